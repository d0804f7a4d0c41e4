// Fields that an option does not need are put away. Without this they are all there, and say what they are for.
document.querySelectorAll(".option").forEach(option => {
  const kind = option.querySelector("select");
  const show = () => option.querySelectorAll(".part").forEach(part => {
    part.classList.toggle("on", part.dataset.for.split(" ").includes(kind.value));
  });
  kind.addEventListener("change", show);
  show();
});
