// Faults of a page's layout as a reader sees them, each as a line of text.
() => {
  const faults = [];
  const width = document.documentElement.clientWidth;
  const name = (element) => {
    const classes = [...element.classList].map((each) => "." + each).join("");
    return element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") + classes;
  };
  const short = (text) => text.trim().replace(/\s+/g, " ").slice(0, 40);
  const scrolls = (element) => /auto|scroll/.test(getComputedStyle(element).overflowX);
  const ancestors = (element) => {
    const all = [];
    for (let each = element; each; each = each.parentElement) all.push(each);
    return all;
  };
  const lifted = (element) =>
    ancestors(element).find((each) => /fixed|sticky/.test(getComputedStyle(each).position));

  if (document.documentElement.scrollWidth > width) {
    const wide = [...document.body.querySelectorAll("*")].filter(
      (each) =>
        each.getBoundingClientRect().right > width + 1 && !ancestors(each.parentElement).some(scrolls),
    );
    faults.push(
      `the page is ${document.documentElement.scrollWidth} px wide in a window of ${width}: ` +
        wide.slice(0, 5).map(name).join(", "),
    );
  }

  // Where text is painted: one box a line of each text node, cut by what clips it.
  const boxes = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    const parent = node.parentElement;
    if (!node.data.trim() || /^(script|style|noscript|option)$/i.test(parent.tagName)) continue;
    if (!parent.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      let [left, top, right, bottom] = [line.left, line.top, line.right, line.bottom];
      for (const each of ancestors(parent)) {
        const style = getComputedStyle(each);
        const edge = each.getBoundingClientRect();
        if (style.overflowX !== "visible" && each !== document.documentElement) {
          [left, right] = [Math.max(left, edge.left), Math.min(right, edge.right)];
          [top, bottom] = [Math.max(top, edge.top), Math.min(bottom, edge.bottom)];
        }
        if (style.clipPath !== "none" && edge.width <= 2) right = left; // read out, not shown
      }
      if (right - left > 2 && bottom - top > 2) {
        boxes.push({ node, parent, left, top, right, bottom, layer: lifted(parent) });
      }
    }
  }

  boxes.sort((one, other) => one.top - other.top);
  boxes.forEach((one, index) => {
    for (const other of boxes.slice(index + 1)) {
      if (other.top >= one.bottom) break;
      if (one.node === other.node || one.layer !== other.layer) continue;
      const across = Math.min(one.right, other.right) - Math.max(one.left, other.left);
      const down = Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top);
      const lower = Math.min(one.bottom - one.top, other.bottom - other.top);
      if (across > 2 && down > lower / 3) {
        faults.push(
          `"${short(one.node.data)}" (${name(one.parent)}) lies over "${short(other.node.data)}" (${name(other.parent)})`,
        );
      }
    }
  });

  // Text that is cut off without a sign of it.
  for (const element of document.body.querySelectorAll("*")) {
    const style = getComputedStyle(element);
    if (!/hidden|clip/.test(style.overflowX) || style.textOverflow === "ellipsis") continue;
    if (element.clientWidth <= 2 || !element.innerText?.trim() || !element.checkVisibility()) continue;
    if (element.scrollWidth > element.clientWidth + 1) {
      faults.push(`${name(element)} cuts off "${short(element.innerText)}"`);
    }
  }
  return faults;
};
