// Adding what was missed.

/** @import {Answer, Mask, Picture, Point} from "./types.js" */
import { post } from "./api.js";
import { edit } from "./history.js";
import { additions, isSame } from "./items.js";
import { analysisForm, requestForm } from "./request.js";
import { countdown, find, now, update } from "./state.js";

/**
 * Ask the service what lies at a point, and add it; what was found there anyway is kept whatever the filters say.
 * @param {Picture} picture
 * @param {Point} point as the service counts pixels
 * @returns {Promise<string>} what came of it
 */
export async function addAt(picture, point) {
  // The fluorescence is measured against all droplets, of which this request knows but one.
  const fields = analysisForm(now(), { ...picture, fluorescence: [] }, { points: [point], automatic_filters: false });
  const answer = /** @type {Answer} */ (await post("/segment_file", fields, { onremaining: countdown }));
  const masks = picture.answer?.ddpcr ? await withFluorescence(picture, answer.masks, point) : answer.masks;
  const latest = find(picture.id);
  if (!latest) return "";
  const { items, known } = additions(latest, masks, point);
  const { excluded, added } = latest.edits;
  if (known?.drawn) return "What you drew there counts already.";
  if (known) {
    edit(latest, { excluded: new Set([...excluded].filter((key) => key !== known.key)), added: [...new Set([...added, known.key])] });
    return "That object is there already; it stays whatever the filters say.";
  }
  if (!items.length) return "Nothing was found at this point.";
  update(latest.id, { items: [...latest.items, ...items] });
  edit(/** @type {Picture} */ (find(latest.id)), { added: [...added, ...items.map(({ key }) => key)] });
  return `Added: ${items[0].mask.kind}, ${items.length > 1 ? `with ${items.length - 1} inside` : "nothing inside"}.`;
}

/**
 * Masks that are about to be added, with their fluorescence. It is measured against all the other droplets, so the
 * request is the one that gives what the page will show.
 * @param {Picture} picture
 * @param {Mask[]} masks
 * @param {Point} point
 * @returns {Promise<Mask[]>}
 */
async function withFluorescence(picture, masks, point) {
  const before = find(picture.id) ?? picture;
  const { items } = additions(before, masks, point);
  if (!items.length) return masks;
  const edits = { ...before.edits, added: [...before.edits.added, ...items.map(({ key }) => key)] };
  const after = { ...before, items: [...before.items, ...items], edits };
  const fields = requestForm(now(), after, { mask_format: "polygon" });
  const answer = /** @type {Answer} */ (await post("/segment_file", fields, { onremaining: countdown }));
  return masks.map((mask) => {
    const measured = answer.masks.find((other) => isSame(mask, other));
    return measured ? { ...mask, fluorescence: measured.fluorescence, dyes: measured.dyes, excluded: measured.excluded } : mask;
  });
}
