"use strict";
// Draws every figure in reading order, marks the section in view, fits figures to paper.
(() => {
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };
  const figures = [...document.querySelectorAll("script[data-plot]")];
  const PAPER = 960; // pixels between the margins of A4 landscape

  const draw = (source) => {
    const place = document.getElementById(source.dataset.plot);
    const { data, layout, frames } = JSON.parse(source.textContent);
    source.remove();
    return Plotly.newPlot(place, { data, layout, config, frames });
  };

  const drawAll = async () => {
    for (const source of figures) {
      await draw(source);
      await new Promise((resume) => setTimeout(resume)); // lets the page scroll meanwhile
    }
    document.body.dataset.ready = "true";
  };

  const markSection = () => {
    const links = [...document.querySelectorAll("nav a")];
    const sections = links.map((link) => document.querySelector(link.getAttribute("href")));
    const mark = () => {
      const passed = sections.filter((section) => section.getBoundingClientRect().top < 140);
      const here = sections.indexOf(passed[passed.length - 1] || sections[0]);
      links.forEach((link, index) => {
        link.classList.toggle("here", index === here);
        if (index === here) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      });
    };
    document.addEventListener("scroll", mark, { passive: true });
    mark();
  };

  const plots = () => [...document.querySelectorAll(".js-plotly-plot")];
  const fitToPaper = () => plots().forEach((plot) => {
    const beside = plot.closest(".screen") ? 264 : 0;
    Plotly.relayout(plot, { width: PAPER - beside });
  });
  const fitToScreen = () => plots().forEach((plot) => Plotly.relayout(plot, { width: null, autosize: true }));
  window.addEventListener("beforeprint", fitToPaper);
  window.addEventListener("afterprint", fitToScreen);

  markSection();
  drawAll();
})();
