"use strict";
{
  const data = JSON.parse(document.getElementById("series").textContent);
  if (data.thumbs) document.documentElement.style.setProperty("--thumbs", `url(${data.thumbs})`);

  const make = (tag, settings = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), settings);
    element.append(...children);
    return element;
  };

  // Sorting: every heading becomes a button; numbers sort from the largest, words from A.
  for (const table of document.querySelectorAll("table.sortable")) {
    const body = table.tBodies[0];
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = make("button", { type: "button", textContent: head.textContent });
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const value = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
        const rows = [...body.rows];
        const numeric = rows.some((row) => row.cells[column].dataset.value !== undefined);
        const was = head.getAttribute("aria-sort");
        const next = was ? (was === "descending" ? "ascending" : "descending") : numeric ? "descending" : "ascending";
        for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", next);
        const sign = next === "ascending" ? 1 : -1;
        const number = (row) => (row.cells[column].dataset.value === undefined ? -Infinity : Number(value(row)));
        rows.sort((a, b) => sign * (numeric ? number(a) - number(b) : value(a).localeCompare(value(b))));
        body.append(...rows);
      });
    });
  }

  // Choosing: one corruption, or all.
  const sections = [...document.querySelectorAll("section.corruption")];
  if (sections.length > 1) {
    const select = make("select", {}, make("option", { value: "", textContent: "all" }));
    for (const section of sections) {
      select.append(make("option", { value: section.id, textContent: section.querySelector("h2").textContent }));
    }
    const choose = () => {
      const hides = (slug) => select.value !== "" && slug !== select.value;
      for (const section of sections) section.hidden = hides(section.id);
      for (const row of document.querySelectorAll("tr[data-section]")) row.hidden = hides(row.dataset.section);
    };
    select.addEventListener("change", choose);
    for (const link of document.querySelectorAll('a[href^="#"]')) {
      link.addEventListener("click", () => {
        select.value = "";
        choose();
      });
    }
    const table = document.querySelector("table.sortable");
    table.before(make("p", { className: "choose" }, make("label", {}, "Corruption: ", select)));
  }

  // A number with four digits, rounded down: what is certified up to a radius is certified up to a smaller one.
  const down = (value) => {
    const near = Number(value.toPrecision(4));
    return near <= value ? near : Number((near - 10 ** (Math.floor(Math.log10(value)) - 3)).toPrecision(4));
  };

  // Exploring a curve: the rates at a radius, and the images whose certificates end just below it.
  const shown = 12;
  for (const series of data.series) {
    const figure = document.querySelector(`figure.chart[data-section="${CSS.escape(series.slug)}"]`);
    const plot = figure.querySelector(".plot");
    const { left, right, top, bottom, most } = Object.fromEntries(Object.entries(plot.dataset).map(([k, v]) => [k, Number(v)]));
    const cursor = plot.appendChild(make("div", { className: "cursor" }));
    cursor.style.top = `${100 * top}%`;
    cursor.style.height = `${100 * (bottom - top)}%`;
    const slider = make("input", { type: "range", min: 0, max: most, step: most / 200, value: most });
    const output = make("output");
    const fallen = make("div", { className: "fallen" });
    const say = (anywhere) => {
      const radius = Math.min(most, anywhere);
      cursor.style.left = `${100 * (left + (right - left) * (radius / most))}%`;
      const lines = series.entries.map((entry) => {
        if (radius > entry.most) return `${entry.label}: not asked beyond ${down(entry.most)}`;
        return `${entry.label}: ${entry.rates[entry.radii.findIndex((end) => end >= radius)]}`;
      });
      output.replaceChildren(`At radius ${down(radius)}`);
      for (const line of lines) output.append(make("br"), line);
      const ended = series.entries
        .flatMap((entry) => entry.images.map(([index, hash, end, words]) => ({ entry, index, hash, end, words })))
        .filter((image) => image.end < radius || (radius === 0 && image.end === 0))
        .sort((a, b) => b.end - a.end)
        .slice(0, shown);
      fallen.replaceChildren(
        ...ended.map(({ entry, index, hash, words }) => {
          const place = data.places[hash];
          if (place === undefined) return make("span", { textContent: index, title: words });
          const tile = make("span", { className: "thumb", title: words, role: "img", ariaLabel: words });
          tile.style.cssText = `border-color:${entry.colour};background-position:-${place * data.side}px 0`;
          return tile;
        }),
      );
    };
    slider.addEventListener("input", () => say(Number(slider.value)));
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      const share = ((event.clientX - box.left) / box.width - left) / (right - left);
      const radius = Math.min(1, Math.max(0, share)) * most;
      slider.value = radius;
      say(radius);
    });
    const label = make("label", {}, "radius", slider);
    const caption = make("small", { textContent: "Images whose certificates end below it, the nearest first:" });
    figure.append(make("div", { className: "explore" }, label, output, caption, fallen));
    say(most);
  }
}
