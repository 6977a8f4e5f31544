"use strict";
// Cluster browser: choose a cluster, see the mean of its vectors and its tokens in the text. Of the
// list only the lines in view exist, so that a hundred thousand tokens are no more work than a hundred.
(() => {
  const HEIGHT = 25; // pixels of a line of the list
  const AROUND = 36; // letters left and right of a token
  const NEGATIVE = "#3e92cc", POSITIVE = "#e5803c";
  const COLUMNS = ["cluster", "tokens", "survives", "mostly (of all)", "domain (of all)", "commonest", "stability", "without loss", "better", "p",
    "conductance", "k-means", "HDBSCAN"];
  const ORDERS = [
    ["survivors first", (one) => [-one.survives, -one.stability]], ["largest", (one) => [-one.size]],
    ["lowest conductance", (one) => [one.conductance]], ["most stable", (one) => [-one.stability]],
  ];

  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
  const made = (name, text, className = "") =>
    Object.assign(document.createElement(name), { textContent: text, className });
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const mostly = (one) => `${one.name} ${percent(one.share)}` + (one.base === undefined ? "" : ` (${percent(one.base)})`);

  const start = (source) => {
    const data = JSON.parse(source.textContent);
    source.remove();
    const root = document.getElementById(source.dataset.clusterViewer);
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    const ids = new Uint16Array(bytes(data.ids)), group = new Uint16Array(bytes(data.group));
    const label = new Int16Array(bytes(data.label)), inside = new Uint8Array(bytes(data.inside));
    const length = data.positions - 1; // the first token of a row has no loss
    const state = { order: 0, cluster: 0 };
    let members = [];

    const text = (row, position) => data.vocabulary[ids[row * data.positions + position]];
    const joined = (row, from, to) => {
      let found = "";
      for (let position = from; position < to; position += 1) found += text(row, position);
      return found;
    };

    const cells = (one) => [one.size.toLocaleString("en"), one.survives ? "yes" : `no: ${one.verdict}`,
      mostly(one.kind), mostly(one.domain), mostly(one.commonest), `${one.stability.toFixed(2)} ± ${one.stability_error.toFixed(2)}`,
      one.control_similarity.toFixed(2), percent(one.beyond_control), one.null_p_value.toFixed(2), one.conductance.toFixed(2),
      one.k_means.toFixed(2), one.hdbscan.toFixed(2)];
    const showClusters = () => {
      const [, key] = ORDERS[state.order];
      const order = data.clusters.map((one, index) => [...key(one), index]);
      order.sort((one, other) => { const at = one.findIndex((value, i) => value !== other[i]); return at < 0 ? 0 : one[at] - other[at]; });
      part("rows").replaceChildren(...order.map((keys) => {
        const index = keys[keys.length - 1], line = made("tr", "", index === state.cluster ? "here" : "");
        line.dataset.cluster = index;
        const first = made("td", ""), button = made("button", String(index));
        button.type = "button";
        button.setAttribute("aria-label", `Cluster ${index}`);
        first.append(button);
        line.append(first, ...cells(data.clusters[index]).map((cell) => made("td", cell)));
        return line;
      }));
      return order[0][order[0].length - 1];
    };

    const showBars = (one) => {
      const order = data.components.map((name, i) => [name, one.mean[i], one.mean_error[i]]).sort((a, b) => Math.abs(b[1]) - Math.abs(a[1]));
      const reach = Math.max(...order.map(([, mean, error]) => Math.abs(mean) + error)) || 1;
      const place = (value) => 50 + (50 * value) / reach;
      const piece = (from, to, color) => {
        const found = made("i", "");
        Object.assign(found.style, { left: `${place(Math.min(from, to))}%`, width: `${(50 * Math.abs(to - from)) / reach}%`, background: color });
        return found;
      };
      part("bars").replaceChildren(...order.map(([name, mean, error]) => {
        const line = made("div", ""), track = made("span", "");
        track.append(piece(0, mean, mean < 0 ? NEGATIVE : POSITIVE), piece(mean - error, mean + error, ""));
        line.append(made("b", name), track, made("small", `${mean.toFixed(2)} ± ${error.toFixed(2)}`));
        return line;
      }));
    };

    const showList = () => {
      const box = part("listing"), from = Math.max(0, Math.floor(box.scrollTop / HEIGHT) - 4);
      part("space").style.height = `${members.length * HEIGHT}px`;
      part("space").replaceChildren(...[...members.slice(from, from + Math.ceil(box.clientHeight / HEIGHT) + 8)].map((at, index) => {
        const row = Math.floor(at / length), position = (at % length) + 1, line = made("div", "");
        const before = joined(row, Math.max(0, position - AROUND), position).slice(-AROUND).padStart(AROUND);
        const after = joined(row, position + 1, Math.min(data.positions, position + AROUND)).slice(0, AROUND);
        line.append(made("i", before), made("b", text(row, position), "member"), made("i", after), made("small", ` ${data.groups[group[row]]}`));
        line.dataset.at = at;
        line.style.top = `${(from + index) * HEIGHT}px`;
        return line;
      }));
    };
    const showRow = (at) => {
      const row = Math.floor(at / length);
      part("row").replaceChildren(made("small", `${data.groups[group[row]]}, row ${data.rows[row]}: `), ...Array.from({ length: data.positions }, (_, position) => {
        const here = row * length + position - 1, span = made("span", text(row, position));
        if (position > 0 && label[here] === state.cluster) span.className = "member";
        if (here === at) span.classList.add("query");
        return span;
      }));
    };

    const choose = (index) => {
      state.cluster = index;
      [...part("rows").children].forEach((line) => {
        const here = Number(line.dataset.cluster) === index;
        line.classList.toggle("here", here);
        line.querySelector("button").setAttribute("aria-pressed", String(here));
      });
      const one = data.clusters[index];
      members = Uint32Array.from(label.keys()).filter((at) => label[at] === index);
      members.sort((a, b) => inside[b] - inside[a] || a - b);
      part("answer").textContent = `Cluster ${index}: ${one.size.toLocaleString("en")} tokens, ${mostly(one.kind)}, ${mostly(one.domain)}; in brackets of all tokens. `
        + (one.survives ? "It survives all controls." : `It does not survive: ${one.verdict}.`);
      part("listed").textContent = `Its ${members.length.toLocaleString("en")} tokens in the text, the deepest inside first; click for the whole row`;
      part("listing").scrollTop = 0;
      showBars(one);
      showList();
      showRow(members[0]);
    };

    part("heads").append(...COLUMNS.map((name) => Object.assign(made("th", name), { scope: "col" })));
    part("orders").append(...ORDERS.map(([title], index) => {
      const button = made("button", title);
      button.type = "button";
      button.addEventListener("click", () => { state.order = index; mark(); showClusters(); choose(state.cluster); });
      return button;
    }));
    const mark = () => [...part("orders").children].forEach((button, index) => button.setAttribute("aria-pressed", String(index === state.order)));
    part("rows").addEventListener("click", (event) => {
      const line = event.target.closest("[data-cluster]");
      if (line) choose(Number(line.dataset.cluster));
    });
    part("listing").addEventListener("scroll", () => requestAnimationFrame(showList), { passive: true });
    part("listing").addEventListener("click", (event) => {
      const line = event.target.closest("[data-at]");
      if (line) showRow(Number(line.dataset.at));
    });
    mark();
    choose(showClusters());
  };

  document.querySelectorAll("script[data-cluster-viewer]").forEach(start);
})();
