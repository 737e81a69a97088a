// Small pictures, as elements.

/** @import {Picture} from "./types.js" */
import { h, icon } from "./dom.js";

/**
 * The small picture, or what stands for it until it is there.
 * @param {Picture} picture
 */
export function thumbOf({ thumb, status }) {
  if (!thumb) return h("span", { class: `thumb-blank ${status}` }, icon("picture"));
  const canvas = h("canvas", { class: "thumb-picture", width: thumb.width, height: thumb.height, "aria-hidden": "true" });
  canvas.getContext("2d")?.drawImage(thumb, 0, 0);
  return canvas;
}
