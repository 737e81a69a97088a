// A picture in halved sizes, so that a small view of a large picture is painted fast and without moiré.

const SMALLEST = 512;

/** @type {WeakMap<ImageBitmap, ImageBitmap[]>} */
const levels = new WeakMap();

/**
 * Make the smaller sizes of a picture.
 * @param {ImageBitmap} bitmap
 */
export async function halve(bitmap) {
  const made = [bitmap];
  levels.set(bitmap, made);
  for (let last = bitmap; Math.max(last.width, last.height) > SMALLEST; last = made[made.length - 1]) {
    made.push(
      await createImageBitmap(last, {
        resizeWidth: Math.ceil(last.width / 2),
        resizeHeight: Math.ceil(last.height / 2),
        resizeQuality: "medium",
      }),
    );
  }
}

/**
 * The smallest size that is still sharp.
 * @param {ImageBitmap} bitmap
 * @param {number} scale screen pixels a picture's pixel
 */
export function levelFor(bitmap, scale) {
  const made = levels.get(bitmap) ?? [bitmap];
  const wanted = Math.max(0, Math.floor(Math.log2(1 / scale)));
  return made[Math.min(wanted, made.length - 1)];
}
