// Fields that an option does not need are put away; without this they are all there, and say what they are for.
document.querySelectorAll(".option").forEach(option => {
  const kind = option.querySelector("select");
  const show = () => option.querySelectorAll(".part").forEach(part => {
    part.classList.toggle("on", part.dataset.for.split(" ").includes(kind.value));
  });
  kind.addEventListener("change", show);
  show();
});
// What is wrong is told a moment after a field has changed; without this the button of the form tells the same.
const form = document.querySelector("form[data-faults]");
let waits = 0, asked = 0;
const named = name => (document.querySelector(`label[for="${name}"]`) || {}).textContent +
  (/_\d$/.test(name) ? `, ${form.dataset.part} ${name.slice(-1)}` : "");
const tell = faults => {
  form.querySelectorAll(".field").forEach(field => {
    const place = field.querySelector("[id^='fault-']"), name = place && place.id.slice(6), told = faults[name] || [];
    if (!place) return;
    field.classList.toggle("wrong", told.length > 0);
    const input = document.getElementById(name);
    if (told.length) input.setAttribute("aria-invalid", "true"); else input.removeAttribute("aria-invalid");
    place.replaceChildren(...told.map((words, at) => {
      const line = document.createElement("p");
      line.className = "fault";
      line.id = `fault-${name}-${at + 1}`;
      line.textContent = words;
      return line;
    }));
  });
  const box = document.getElementById("faults"), names = Object.keys(faults).filter(one => document.getElementById(one));
  if (!names.length) box.hidden = true;
  if (box.hidden) return;
  box.querySelector("ul").replaceChildren(...names.map(name => {
    const line = document.createElement("li"), way = document.createElement("a");
    way.href = `#${name}`;
    way.textContent = named(name);
    line.append(way);
    return line;
  }));
};
const look = async () => {
  const mine = ++asked, sent = new FormData(form);
  sent.delete("mask_file");
  try {
    const answer = await fetch(form.dataset.faults, { method: "POST", body: sent });
    const faults = await answer.json();
    if (mine === asked && answer.ok) tell(faults);
  } catch { /* the server is gone: what stands there stays */ }
};
if (form) form.addEventListener("change", () => { clearTimeout(waits); waits = setTimeout(look, 300); });
// Whoever goes back from the answer finds the form as it was sent: its address says how it is filled in.
document.querySelectorAll('form[method="post"]').forEach(one => one.addEventListener("submit", () => {
  const filled = [...new FormData(one)].filter(([, value]) => typeof value === "string" && value);
  history.replaceState(null, "", `${new URL(one.action).pathname}?${new URLSearchParams(filled)}`);
}));
