"use strict";
// Token viewer: text in the colours of a component, a page at a time; a list of which only the
// rows in view exist, so that a hundred thousand tokens are no more work than a hundred.
(() => {
  const ROWS = 12; // of text on a page
  const HEIGHT = 25; // pixels of a line of the list
  const BEFORE = 8; // tokens shown before a token in the list
  const NEGATIVE = [62, 146, 204], POSITIVE = [229, 128, 60];

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const made = (name, text, className = "") =>
    Object.assign(document.createElement(name), { textContent: text, className });
  const numbers = (value, error) => {
    const digits = Math.min(8, Math.max(0, 1 - Math.floor(Math.log10(error || 1))));
    return `${value.toFixed(digits)} ± ${error.toFixed(digits)}`;
  };

  const start = (source) => {
    const data = JSON.parse(source.textContent);
    source.remove();
    const root = document.getElementById(source.dataset.tokenViewer);
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const ids = new Uint16Array(bytes(data.ids)), group = new Uint16Array(bytes(data.group));
    const length = data.positions - 1; // the first token of a row has no loss
    const state = { component: data.first, group: -1, largest: false, only: false, page: 0, at: -1 };
    let answers = null, rows = [], order = [];

    const unpack = (packed) => ({
      own: new Int16Array(bytes(packed.own.values)), ownError: new Uint8Array(bytes(packed.ownError.values)),
      control: new Int16Array(bytes(packed.control.values)),
      controlError: new Uint8Array(bytes(packed.controlError.values)), bits: new Uint8Array(bytes(packed.differs)),
    });
    const chosen = () => data.components[state.component];
    const value = (at) => answers.own[at] * chosen().own.step;
    const error = (at, key) => chosen()[key].low * chosen()[key].factor ** answers[key][at];
    const differs = (at) => (answers.bits[at >> 3] >> (7 - (at & 7))) & 1;
    const text = (row, position) => data.vocabulary[ids[row * data.positions + position]];
    const own = (at) => numbers(value(at), error(at, "ownError"));
    const control = (at) => numbers(answers.control[at] * chosen().control.step, error(at, "controlError"));

    const color = (at) => {
      if (state.only && !differs(at)) return "";
      const level = Math.sqrt(Math.min(1, Math.abs(value(at)) / (chosen().full || 1)));
      const full = value(at) < 0 ? NEGATIVE : POSITIVE;
      return `rgb(${full.map((one) => Math.round(255 + (one - 255) * level)).join(",")})`;
    };
    const sentence = (at) => {
      const row = Math.floor(at / length), position = (at % length) + 1;
      return [`Component ${chosen().name}: χ of `, made("b", text(row, position)), ` at position ${position} of row ${row}`
        + ` (${data.groups[group[row]]}) is ${own(at)}, without loss ${control(at)}, in ${data.unit};`
        + (differs(at) ? " differs from the control by more than a factor." : " no more than a factor of the control.")];
    };

    const look = (at) => {
      state.at = at;
      part("answer").replaceChildren(...sentence(at));
      root.querySelectorAll(".tokens .query").forEach((span) => span.classList.remove("query"));
      root.querySelector(`.tokens [data-at="${at}"]`)?.classList.add("query");
    };
    const token = (row, position) => {
      const span = made("span", text(row, position));
      if (position === 0) { span.className = "after"; return span; }
      const at = row * length + position - 1;
      span.dataset.at = at;
      span.title = `χ ${own(at)}`;
      span.style.background = color(at);
      if (differs(at)) span.className = "sure";
      return span;
    };
    const showPage = () => {
      const last = Math.max(0, Math.ceil(rows.length / ROWS) - 1);
      state.page = Math.max(0, Math.min(last, state.page));
      Object.assign(part("page"), { max: last, value: state.page });
      const here = rows.slice(state.page * ROWS, (state.page + 1) * ROWS);
      part("where").textContent = `page ${state.page + 1} of ${last + 1}, ${rows.length.toLocaleString("en")} rows`;
      part("tokens").replaceChildren(...[...here].map((row) => {
        const line = made("p", "");
        line.append(made("small", data.groups[group[row]]));
        for (let position = 0; position < data.positions; position += 1) line.append(token(row, position));
        return line;
      }));
      const first = state.at >= 0 ? state.at : here.length * length > 0 ? here[0] * length : -1;
      if (first >= 0) look(first);
    };

    const showList = () => {
      const box = part("listing"), space = part("space");
      space.style.height = `${order.length * HEIGHT}px`;
      const from = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 4);
      const lines = [...order.slice(from, from + Math.ceil(box.clientHeight / HEIGHT) + 8)].map((at, index) => {
        const row = Math.floor(at / length), position = (at % length) + 1, line = made("div", "");
        let before = "";
        for (let i = Math.max(0, position - BEFORE); i < position; i += 1) before += text(row, i);
        const shown = made("b", text(row, position));
        shown.style.background = color(at) || "white";
        line.append(made("span", own(at), "number"), made("i", before), shown, made("small", ` ${data.groups[group[row]]}`));
        line.title = `control ${control(at)}`;
        line.dataset.at = at;
        line.style.top = `${(from + index) * HEIGHT}px`;
        return line;
      });
      space.replaceChildren(...lines);
    };

    const choose = () => {
      answers = unpack(chosen());
      const size = new Float32Array(answers.own.length).map((_, at) => Math.abs(answers.own[at]));
      rows = Uint32Array.from(group.keys()).filter((row) => state.group < 0 || group[row] === state.group);
      if (state.largest) {
        const top = new Map();
        rows.forEach((row) => {
          let best = -1;
          for (let at = row * length; at < (row + 1) * length; at += 1) {
            if ((!state.only || differs(at)) && size[at] > best) best = size[at];
          }
          top.set(row, best);
        });
        rows.sort((one, other) => top.get(other) - top.get(one));
      }
      order = Uint32Array.from(size.keys()).filter((at) =>
        (state.group < 0 || group[Math.floor(at / length)] === state.group) && (!state.only || differs(at)));
      order.sort((one, other) => size[other] - size[one] || one - other);
      part("listed").textContent = `${order.length.toLocaleString("en")} tokens, the largest |χ| first, in ${data.unit}`;
      part("listing").scrollTop = 0;
      showPage();
      showList();
    };

    const buttons = (name, list, current, set) => {
      part(name).replaceChildren(...list.map(([title, key]) => {
        const button = made("button", title);
        button.type = "button";
        const press = () => [...part(name).children].forEach((other) =>
          other.setAttribute("aria-pressed", String(current(other.dataset.key))));
        button.dataset.key = key;
        button.addEventListener("click", () => { set(key); choose(); press(); });
        return button;
      }));
      [...part(name).children].forEach((other) => other.setAttribute("aria-pressed", String(current(other.dataset.key))));
    };
    buttons("components", data.components.map((one, i) => [one.role ? `${one.name} ${one.role}` : one.name, i]),
      (key) => Number(key) === state.component, (key) => { state.component = key; });
    buttons("groups", [["all domains", -1], ...data.groups.map((name, i) => [name, i])],
      (key) => Number(key) === state.group, (key) => { state.group = key; state.page = 0; });
    buttons("ways", [["rows with the largest answers first", "largest"], ["only what differs from the control", "only"]],
      (key) => state[key], (key) => { state[key] = !state[key]; state.page = 0; });

    const turn = (page) => { state.page = page; showPage(); };
    part("back").addEventListener("click", () => turn(state.page - 1));
    part("on").addEventListener("click", () => turn(state.page + 1));
    part("page").addEventListener("input", (event) => turn(Number(event.target.value)));
    part("tokens").addEventListener("pointerover", (event) => {
      if (event.target.dataset.at) look(Number(event.target.dataset.at));
    });
    part("tokens").addEventListener("keydown", (event) => {
      const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      const shown = [...root.querySelectorAll(".tokens [data-at]")].map((span) => Number(span.dataset.at));
      const here = shown.indexOf(state.at);
      look(shown[Math.max(0, Math.min(shown.length - 1, here + move))]);
    });
    part("listing").addEventListener("scroll", () => requestAnimationFrame(showList), { passive: true });
    part("listing").addEventListener("click", (event) => {
      const line = event.target.closest("[data-at]");
      if (!line) return;
      state.at = Number(line.dataset.at);
      turn(Math.floor(rows.indexOf(Math.floor(state.at / length)) / ROWS));
    });
    choose();
  };

  document.querySelectorAll("script[data-token-viewer]").forEach(start);
})();
