"use strict";
// Attention viewer: choose a text and a head, point at a token, see what it attends to.
(() => {
  const FULL = [213, 94, 0]; // colour of attention 1; 0 is white

  const shade = (weight) => {
    const level = Math.sqrt(weight); // small weights stay visible
    return `rgb(${FULL.map((part) => Math.round(255 + (part - 255) * level)).join(",")})`;
  };
  const unpack = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

  const start = (source) => {
    const { heads, first, examples } = JSON.parse(source.textContent);
    const root = document.getElementById(source.dataset.viewer);
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const state = { example: 0, head: first, query: 0, pattern: null };

    const weight = (query, key) => state.pattern[(query * (query + 1)) / 2 + key] / 255;
    const tokens = () => examples[state.example].tokens;

    // Past the first quarter, the query that looks hardest at one token but itself and the first.
    const telling = () => {
      let best = [0, tokens().length - 1];
      for (let query = Math.ceil(tokens().length / 4); query < tokens().length; query += 1) {
        for (let key = 1; key < query - 1; key += 1) {
          if (weight(query, key) > best[0]) best = [weight(query, key), query];
        }
      }
      return best[1];
    };

    const showTokens = () => {
      part("tokens").replaceChildren(...tokens().map((token, index) => {
        const span = document.createElement("span");
        span.textContent = token;
        span.addEventListener("pointerenter", () => look(index));
        span.addEventListener("click", () => look(index));
        return span;
      }));
    };

    const showSquare = () => {
      const canvas = part("square");
      const count = tokens().length;
      canvas.width = canvas.height = count;
      const pen = canvas.getContext("2d");
      for (let query = 0; query < count; query += 1) {
        for (let key = 0; key <= query; key += 1) {
          pen.fillStyle = shade(weight(query, key));
          pen.fillRect(key, query, 1, 1);
        }
        pen.fillStyle = "#f1f4f7";
        pen.fillRect(query + 1, query, count, 1);
      }
    };

    const piece = (name, text) => Object.assign(document.createElement(name), { textContent: text });
    const showAnswer = () => {
      const weights = tokens().slice(0, state.query + 1).map((token, key) => [weight(state.query, key), token, key]);
      weights.sort((one, other) => other[0] - one[0]);
      const top = weights.slice(0, 4).filter(([value]) => value >= 0.02);
      const words = top.flatMap(([value, token, key], index) => [
        index ? " · " : "", piece("b", token), ` at ${key}: ${value.toFixed(2)}`,
      ]);
      part("answer").replaceChildren(
        `Head ${heads[state.head].name}: token `, piece("b", tokens()[state.query]),
        ` at position ${state.query} attends to `, ...words,
      );
    };

    const look = (query) => {
      state.query = query;
      [...part("tokens").children].forEach((span, key) => {
        span.className = key === query ? "query" : key > query ? "after" : "";
        span.style.background = key <= query ? shade(weight(query, key)) : "";
      });
      showAnswer();
    };

    const show = (fresh) => {
      state.pattern = unpack(examples[state.example].patterns[state.head]);
      for (const [name, chosen] of [["examples", state.example], ["heads", state.head]]) {
        [...part(name).children].forEach((button, index) =>
          button.setAttribute("aria-pressed", String(index === chosen)));
      }
      if (fresh) showTokens();
      showSquare();
      look(fresh ? telling() : state.query);
    };

    const button = (text, color, choose) => {
      const made = piece("button", text);
      made.type = "button";
      if (color) made.prepend(Object.assign(document.createElement("i"), { style: `background:${color}` }));
      made.addEventListener("click", choose);
      return made;
    };
    const counts = {};
    part("examples").append(...examples.map((example, index) => {
      counts[example.domain] = (counts[example.domain] || 0) + 1;
      const name = counts[example.domain] > 1 ? `${example.domain} ${counts[example.domain]}` : example.domain;
      return button(name, "", () => { state.example = index; show(true); });
    }));
    part("heads").append(...heads.map((head, index) =>
      button(head.role ? `${head.name} ${head.role}` : head.name, head.color, () => { state.head = index; show(false); })));

    part("tokens").addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      look(Math.max(0, Math.min(tokens().length - 1, state.query + move)));
    });
    part("square").addEventListener("pointermove", (event) => {
      const box = event.target.getBoundingClientRect();
      const row = Math.floor(((event.clientY - box.top) / box.height) * tokens().length);
      if (row >= 0 && row < tokens().length) look(row);
    });
    show(true);
  };

  document.querySelectorAll("script[data-viewer]").forEach(start);
})();
