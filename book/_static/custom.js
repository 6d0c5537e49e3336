// Small repairs of the theme that need a script.
document.addEventListener("DOMContentLoaded", () => {
  // What scrolls sideways has to be reachable by keyboard.
  for (const box of document.querySelectorAll("div.math, .cell_output .output, .cell_input pre")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }
});
