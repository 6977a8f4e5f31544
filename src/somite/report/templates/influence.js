"use strict";
// Influence viewer: choose a component, a query, and examples or tokens; read the largest influences.
(() => {
  const made = (name, text) => Object.assign(document.createElement(name), { textContent: text });

  const start = (source) => {
    const data = JSON.parse(source.textContent);
    source.remove();
    const root = document.getElementById(source.dataset.influenceViewer);
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const state = { components: 0, queries: 0, kinds: 0 };

    const show = () => {
      const query = data.queries[state.queries];
      part("query").replaceChildren(...query.tokens.map((token, position) => {
        const span = made("span", token);
        if (state.kinds === 1 && position === query.token) span.className = "query";
        return span;
      }));
      const heads = ["row", state.kinds ? "token ▸, after its text" : "text", `influence, ${data.units[state.kinds]}`,
        "correlation", "q", "correlation in the control", "differs: q"];
      part("heads").replaceChildren(...heads.map((name) => Object.assign(made("th", name), { scope: "col" })));
      const rows = data.rows[state.components][state.queries][state.kinds ? "tokens" : "examples"];
      part("rows").replaceChildren(...rows.map((row) => {
        const line = made("tr", "");
        line.append(...row.map((cell, index) => Object.assign(made("td", cell), { className: index === 1 ? "text" : "" })));
        return line;
      }));
    };
    const buttons = (name, titles) => {
      part(name).append(...titles.map((title, index) => {
        const button = made("button", title);
        button.type = "button";
        button.addEventListener("click", () => { state[name] = index; mark(); show(); });
        return button;
      }));
    };
    const mark = () => ["components", "queries", "kinds"].forEach((name) =>
      [...part(name).children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === state[name]))));
    buttons("components", data.components);
    buttons("queries", data.queries.map((query) => `${query.domain} ${query.row}`));
    buttons("kinds", ["on the whole example", "on its token that varies most"]);
    mark();
    show();
  };

  document.querySelectorAll("script[data-influence-viewer]").forEach(start);
})();
