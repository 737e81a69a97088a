// What flows through the page. Types alone; nothing is run.

/**
 * @typedef {[number, number]} Point (x, y) in pixels, as the service counts them
 *
 * @typedef {[number, number, number] | Point[]} Shape a circle (x, y, radius) or a polygon, as the service takes them
 *
 * @typedef {"droplet" | "bead" | "other"} Kind
 *
 * @typedef {Object} PixelStats
 * @property {number} mean_intensity
 * @property {number} min_intensity
 * @property {number} max_intensity
 * @property {number} std_intensity
 * @property {number} median_intensity
 * @property {number} pixel_count
 *
 * @typedef {Object} Mask one of the service's masks, asked for as polygons
 * @property {number} id
 * @property {Kind} kind
 * @property {number} confidence
 * @property {[number, number, number, number]} bbox
 * @property {number} area
 * @property {Point} centroid
 * @property {number[][]} polygons outer edges of the pixels, x and y in turn
 * @property {number} equivalent_diameter
 * @property {number | null} inner_diameter
 * @property {number} max_feret_diameter
 * @property {number} circularity
 * @property {number} solidity
 * @property {"head" | "prompt" | "hand" | "contents"} found_by
 * @property {number} predicted_iou
 * @property {number} stability_score
 * @property {number | null} parent_id
 * @property {number[]} children
 * @property {PixelStats} pixel_stats
 * @property {{min_distance_to_edge: number, touches_edge: boolean}} edge_stats
 * @property {{uncertainty_px: number | null} | null} boundary
 * @property {Light | null} fluorescence of the first dye
 * @property {string | null} excluded why it does not count for digital PCR
 * @property {(Light | null)[]} [dyes] of each, where there are several
 *
 * @typedef {{intensity: number, amplitude: number, positive: boolean | null}} Light of a droplet
 *
 * @typedef {Object} Dye digital PCR of a dye
 * @property {string} [name] where there are several
 * @property {number | null} threshold
 * @property {string[]} warnings
 * @property {number | null} separation
 * @property {{shift: Point, residual: number | null, matched: number | null, confidence: number | null}} registration
 *
 * @typedef {Object} Answer a segmentation as the service sends it
 * @property {{width: number, height: number, bit_depth: number, format: string, pixel_size_um: number | null,
 *   pixel_size_source: string | null, notes: string[], axes: {frames: number, planes: number, channels: string[]}}} image
 * @property {number} original_count
 * @property {Record<string, number>} removed
 * @property {Mask[]} masks
 * @property {(Dye & {dyes?: Dye[]}) | null} ddpcr of the first dye; of several also of each
 * @property {Record<string, number>} timing_ms
 * @property {{name: string, device: string | null}} model
 * @property {string} request_id
 *
 * @typedef {Object} Item an object of a picture: found by the service, or added or drawn by hand
 * @property {number} key its place in `picture.items`
 * @property {Mask} mask
 * @property {number | null} parent key of the droplet around it
 * @property {Path2D} fine the outline as it is drawn, in pixel corners
 * @property {Path2D} coarse the same with fewer points, for small scales
 * @property {Point | null} added where it was clicked at
 * @property {Shape | null} drawn its outline, if that was drawn by hand
 *
 * @typedef {Object} Edits what a person changed; replaced as a whole, so that it can be undone
 * @property {ReadonlySet<number>} excluded keys
 * @property {readonly number[]} added keys of the items asked for by hand, which no filter leaves out
 * @property {readonly number[]} drawn keys of the items drawn by hand, which no filter leaves out
 * @property {readonly Point[] | null} region its corners, in pixel corners; only what has its centre inside counts
 * @property {readonly (number | null)[]} thresholds of the dyes, set by hand; of the droplets' own brightness the first
 * @property {number | null} pixelSize micrometres, given by hand for this picture alone
 * @property {Group | null} group that it is compared as one of
 *
 * @typedef {"A" | "B"} Group of pictures
 *
 * @typedef {Object} Progress
 * @property {"upload" | "wait" | "retry"} stage
 * @property {number} part of the upload, 0 to 1
 * @property {number} since when the stage began, in ms of performance.now()
 * @property {number} until when the request is sent again, likewise
 * @property {string} message
 *
 * @typedef {Object} Picture
 * @property {number} id
 * @property {string} name
 * @property {File} file
 * @property {readonly File[]} fluorescence a file a dye
 * @property {Taken} taken when it was last analysed, and so is shown
 * @property {ImageBitmap | null} bitmap while it is looked at, and a little longer
 * @property {ImageBitmap | null} light the fluorescence of the dye that is looked at, likewise
 * @property {ImageBitmap | null} thumb the picture, small
 * @property {"waiting" | "working" | "done" | "failed"} status
 * @property {Progress | null} progress
 * @property {number | null} seconds that its analysis took, waiting for its turn not counted
 * @property {{status: number | null, title: string, message: string} | null} error status of the service's answer
 * @property {Answer | null} answer
 * @property {Item[]} items
 * @property {Edits} edits
 *
 * @typedef {Record<string, number | boolean | null>} Filters by the service's names
 *
 * @typedef {Object} Tone how grey values are shown; it changes no figure
 * @property {number} low value that is shown black, 0 to 255
 * @property {number} high value that is shown white
 * @property {number} gamma exponent of what lies between
 *
 * @typedef {"size" | "intensity" | "kind" | "beads" | "positive"} ColourBy
 *
 * @typedef {string | number} Channel index or name
 *
 * @typedef {Object} Taken what of a file with several planes is analysed; null for what the service takes by itself
 * @property {Channel | null} channel
 * @property {string | number | null} plane index, or in words
 * @property {string | number | null} frame index
 * @property {Channel | readonly Channel[] | null} fluorescence_channel of several dyes several
 *
 * @typedef {Object} Asked what the service is asked for
 * @property {"fast" | "balanced" | "thorough"} quality
 * @property {boolean} refine_edges
 * @property {boolean} contents
 * @property {"auto" | "droplets" | "beads"} objects that lie in no other one
 * @property {"auto" | "ring" | "fall" | "wall"} edge of the objects
 * @property {number | null} diameter_px of the droplets, about
 * @property {Taken} taken
 * @property {Record<string, boolean>} automatic_filters
 * @property {Record<string, boolean | number>} preprocessing
 * @property {string | null} channel of a colour picture that shows fluorescence
 *
 * @typedef {"select" | "region" | "lasso" | "add" | "circle" | "rim" | "split" | "merge" | "measure"} Tool
 *
 * @typedef {{picture: number | null, keys: ReadonlySet<number>}} Picked items of a picture, by its id and their keys
 *
 * @typedef {Object} Step what can be gone back to
 * @property {Filters} filters
 * @property {number | null} pixelSize
 * @property {ColourBy} colourBy
 * @property {Record<Kind, boolean>} shown
 * @property {ReadonlyMap<number, Edits>} edits by the ids of the pictures that were there
 * @property {ReadonlySet<number>} away ids of those that had been taken away
 *
 * @typedef {Object} State
 * @property {readonly Picture[]} pictures as they came, by rising ids
 * @property {readonly Picture[]} away pictures that were taken away and can be had again
 * @property {readonly Step[]} past
 * @property {readonly Step[]} future what was undone
 * @property {number | null} current id
 * @property {Filters} filters
 * @property {ColourBy} colourBy
 * @property {Record<Kind, boolean>} shown kinds that are drawn and listed
 * @property {boolean} outlines
 * @property {boolean} showLight the fluorescence instead of the picture
 * @property {number} dye that is looked at, by its place
 * @property {Picked} picked droplets picked in a chart
 * @property {Tool} tool
 * @property {number | null} focus key of the item that the keyboard is on
 * @property {number | null} pixelSize micrometres, given by hand for all pictures that have none of their own
 * @property {Tone} tone
 * @property {boolean} pooled figures over all pictures
 * @property {Asked} asked
 * @property {number | null} remaining requests left in this hour
 *
 * @typedef {"kept" | "filtered" | "outside" | "excluded" | "replaced" | "absent"} Fate replaced: excluded, and what was
 *   drawn has its place; absent: its addition or drawing was undone
 *
 * @typedef {Object} Selection what filters, region and edits leave of a picture
 * @property {Fate[]} fates by key
 * @property {(number | null)[]} parents by key: the droplet around it, found or drawn
 * @property {Item[]} kept
 * @property {Map<number, number>} numbers of what is kept, by key: as the service numbers it, from the largest on
 * @property {Record<Kind, number>} counts of what is kept
 * @property {Map<number, number>} beads kept beads by key of the droplet
 */
export {};
