// Loaded on pages with widgets, after require.js: where the widget modules are found beside this file,
// so that nothing is asked of another host. Works under any sub-path and from file://.
(function () {
  const here = new URL("vendor/", document.currentScript.src).href;
  require.config({
    paths: {
      anywidget: here + "anywidget/index",
      "@jupyter-widgets/html-manager": here + "html-manager/embed-amd",
      "@jupyter-widgets/html-manager/dist": here + "html-manager",
    },
  });
})();
