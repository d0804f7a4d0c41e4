// The text is checked a moment after the last key. Without this the button "Check it" does the same.
const text = document.getElementById("study"), told = document.getElementById("told");
let waits = 0, asked = 0;
const check = async () => {
  const mine = ++asked;
  try {
    const answer = await fetch("/api/v1/check", {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ study: text.value }),
    });
    const found = await answer.json();
    if (mine !== asked) return;
    const line = document.createElement(found.valid ? "p" : "pre");
    line.className = found.valid ? "valid" : "fault plain";
    line.textContent = found.told || found.detail || found.title;
    told.replaceChildren(line);
    text.toggleAttribute("aria-invalid", !found.valid);
  } catch { /* the server is gone: what stands there stays */ }
};
text.addEventListener("input", () => { clearTimeout(waits); waits = setTimeout(check, 600); });
