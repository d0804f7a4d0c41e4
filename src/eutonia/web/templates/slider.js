// A slider and two buttons beside each number; without this the number alone is written.
document.querySelectorAll(".slide").forEach(field => {
  const number = field.querySelector("input[name]"), slider = field.querySelector("input[type=range]");
  const low = +number.dataset.low, high = +number.dataset.high;
  field.querySelectorAll("[hidden]").forEach(one => { one.hidden = false; });
  const show = value => {
    number.value = Math.min(high, Math.max(low, value));
    slider.value = number.value;
  };
  slider.value = number.value;
  slider.addEventListener("input", () => { number.value = slider.value; });
  number.addEventListener("change", () => { slider.value = number.value; });
  field.querySelectorAll("[data-by]").forEach(button => {
    button.addEventListener("click", () => show((+number.value || 0) + +button.dataset.by));
  });
});
