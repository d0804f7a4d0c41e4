// Sliders, buttons and pictures of the story. Without this the page still reads: pictures show the whole range.
document.documentElement.classList.add("js");
const person = { lost: PAGE.person.lost, answer: PAGE.person.answer };
const moved = {};
const settings = (about, value) => ({
  ...about.base, ...(about.base.own ? {} : person), ...(about.base.dose_of ? { pump: moved[about.base.dose_of] } : {}),
  [about.slider]: value,
});
const read = (about, value) => {
  const at = settings(about, value);
  return about.factor * legOf(at)[about.key];
};
const place = (about, value, height) => {
  const [left, top, wide, tall] = about.box, [low, high] = about.range, [floor, roof] = about.y;
  const x = left + (value - low) / (high - low) * wide;
  const y = top + tall - (Math.min(Math.max(height, floor), roof) - floor) / (roof - floor) * tall;
  return [x.toFixed(1), y.toFixed(1)];
};
const draw = step => {
  const value = Number(step.querySelector("input[type=range]").value);
  step.querySelectorAll("[data-line]").forEach(group => {
    const about = JSON.parse(group.dataset.line), points = [];
    for (let i = 0; i <= 60; i++) {
      const x = about.range[0] + (about.range[1] - about.range[0]) * i / 60;
      points.push(place(about, x, read(about, x)).join(" "));
    }
    group.querySelector("path").setAttribute("d", "M" + points.join("L"));
    const [x, y] = place(about, value, read(about, value));
    group.nextElementSibling.querySelector("path").setAttribute("d", `M${x} ${y}h0`);
  });
};
const tell = step => {
  const value = Number(step.querySelector("input[type=range]").value), lines = new Map();
  step.querySelectorAll(".wide [data-line]").forEach(group => {
    const about = JSON.parse(group.dataset.line), number = read(about, value);
    const said = lines.get(about.name) || [];
    said.push(`${PAGE.words[about.key]} ${number.toFixed(PAGE.digits[about.key])}${PAGE.units[about.key]}`);
    if (about.key === "support") said.push(number < 1 ? "it gives way" : "it carries");
    lines.set(about.name, said);
  });
  const told = [...lines].map(([name, said]) => (name ? `${name}: ` : "") + said.join(", "));
  step.querySelector(".now").textContent = told.map(one => `${one[0].toUpperCase()}${one.slice(1)}.`).join(" ");
};
const show = step => {
  const slider = step.querySelector("input[type=range]"), factor = Number(slider.dataset.factor);
  step.querySelector("output").textContent = `${(factor * slider.value).toFixed(0)} ${slider.dataset.unit}`;
  draw(step);
  tell(step);
};
const steps = [...document.querySelectorAll("[data-step]")];
const all = () => steps.forEach(show);
steps.forEach(step => {
  const slider = step.querySelector("input[type=range]");
  moved[step.dataset.step] = Number(slider.value);
  const set = () => {
    moved[step.dataset.step] = Number(slider.value);
    if (slider.dataset.person) { person[slider.dataset.person] = Number(slider.value); all(); } else if (step.dataset.leads) all(); else show(step);
  };
  slider.addEventListener("input", set);
  step.querySelectorAll("button[data-by]").forEach(button => button.addEventListener("click", () => {
    slider.value = Number(slider.value) + Number(button.dataset.by);
    set();
  }));
});
document.querySelectorAll("input[name=answer]").forEach(choice => choice.addEventListener("change", () => {
  person.answer = Number(choice.value);
  all();
}));
document.querySelectorAll("[data-print]").forEach(button => button.addEventListener("click", () => {
  document.body.classList.add("sheet-only");
  window.print();
  document.body.classList.remove("sheet-only");
}));
all();
