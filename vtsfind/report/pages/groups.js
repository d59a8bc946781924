"use strict";
// The plan as `vtsfind plan --json` writes it: a header, the groups, a footer.
const plan = JSON.parse(document.getElementById("plan").textContent);
const groups = new Map(plan.filter((record) => record.type === "group").map((group) => [group.id, group]));
const boxes = [...document.querySelectorAll("input[data-group]")];
const sections = [...document.querySelectorAll("section[data-group]")];
const save = document.getElementById("save");
let unsaved = false;

const stays = (action) => action === null || action === "keep";
const fileOf = (box) => groups.get(Number(box.dataset.group)).files[Number(box.dataset.file)];
const withSidecars = (file) => file.companions.reduce((size, one) => size + one.size, file.size);

function fileSize(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (bytes >= 1000 && unit < units.length - 1) [bytes, unit] = [bytes / 1000, unit + 1];
  return `${unit ? bytes.toFixed(1) : bytes} ${units[unit]}`;
}

function update() {
  const going = boxes.filter((box) => box.checked);
  const size = going.reduce((sum, box) => sum + withSidecars(fileOf(box)), 0);
  document.getElementById("totals").textContent =
    `To the trash: ${going.length} of ${boxes.length === 1 ? "1 photo" : `${boxes.length} photos`}, ${fileSize(size)}.`;
  let valid = true;
  for (const section of sections) {
    const own = [...section.querySelectorAll("input[data-group]")];
    const empty = own.every((box) => box.checked);
    section.querySelector(".problem").textContent = empty ? "One photo of this group must stay: clear its box." : "";
    valid = valid && !empty;
  }
  save.disabled = !valid;
}

function edited() {
  const chosen = new Map();
  for (const box of boxes) {
    const action = fileOf(box).action;
    chosen.set(fileOf(box), box.checked ? (stays(action) ? "trash" : action) : stays(action) ? action : "keep");
  }
  return plan.map((record) => record.type !== "group" ? record : {
    ...record, files: record.files.map((file) => ({ ...file, action: chosen.get(file) })),
  });
}

function download() {
  if (save.disabled) return;
  const text = edited().map((record) => JSON.stringify(record) + "\n").join("");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  link.download = save.dataset.file;
  link.click();
  URL.revokeObjectURL(link.href);
  unsaved = false;
}

function move(step) {
  const here = sections.findIndex((section) => section.contains(document.activeElement));
  const next = sections[Math.min(Math.max(here + step, 0), sections.length - 1)];
  next?.querySelector("input").focus();
  next?.scrollIntoView({ block: "center" });
}

document.addEventListener("change", () => { unsaved = true; update(); });
save.addEventListener("click", download);
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const step = { n: 1, p: -1 }[event.key];
  if (step) move(step);
  else if (event.key === "s") download();
});
window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
update();
