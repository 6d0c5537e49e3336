// Loaded on pages with widgets, after require.js and before the widget manager.
(function () {
  // Where the widget modules are found: beside this file, so that nothing is asked of another host. Works
  // under any sub-path and from file://.
  const here = new URL("vendor/", document.currentScript.src).href;
  require.config({
    paths: {
      anywidget: here + "anywidget/index",
      "@jupyter-widgets/html-manager": here + "html-manager/embed-amd",
      "@jupyter-widgets/html-manager/dist": here + "html-manager",
    },
  });

  // The widget manager typesets labels as MathJax 2 did; the site has MathJax 3.
  document.addEventListener("DOMContentLoaded", () => {
    if (!window.MathJax || window.MathJax.Hub) return;
    window.MathJax.Hub = {
      Queue: ([, , element]) =>
        window.MathJax.startup.promise.then(() => window.MathJax.typesetPromise([element])),
    };
  });
})();
