// Make a page of the site ready to be printed: solutions open, wide things fit, places have names.
async (places) => {
  const article = document.querySelector("article");
  for (const folded of article.querySelectorAll(".toggle-hidden")) {
    folded.classList.remove("toggle-hidden");
  }
  for (const solution of article.querySelectorAll("details:not(.hide)")) solution.open = true;

  // Formulas and tables that are wider than the paper shrink.
  const wide = ".math mjx-container, .pst-scrollable-table-container > table, .cell_output table";
  const edge = article.getBoundingClientRect().right;
  for (const box of article.querySelectorAll(wide)) {
    const { left } = box.getBoundingClientRect();
    const needs = Math.max(box.scrollWidth, ...[...box.children].map((part) => part.scrollWidth));
    if (left + needs > edge + 1) box.style.zoom = Math.max(0.4, (edge - left) / needs);
  }

  const list = document.createElement("div");
  list.className = "pdf-places";
  for (const id of places) {
    if (!document.getElementById(id)) continue;
    const link = document.createElement("a");
    link.href = `#${id}`;
    link.textContent = ".";
    list.append(link);
  }
  article.append(list);
  await Promise.all([...document.images].map((image) => image.decode().catch(() => null)));
}
