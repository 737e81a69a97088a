// On the start page: the sessions that can be gone on with.

/** @import {Kept} from "./record.js" */
import { byId, h } from "../dom.js";
import { count } from "../format.js";
import { problem } from "../notices.js";
import { forget } from "./database.js";
import { goOn, offered } from "./keeping.js";

const dates = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
const NAMED = 3; // pictures

export async function start() {
  try {
    show(await offered());
  } catch {
    // Nothing is kept here: there is nothing to offer, and to write says so.
  }
}

/** @param {readonly Kept[]} sessions */
function show(sessions) {
  byId("sessions").hidden = !sessions.length;
  byId("session-list").replaceChildren(...sessions.map((session) => {
    const when = `${count(session.pictures.length, "picture")} of ${dates.format(session.changed)}`;
    const names = session.pictures.slice(0, NAMED).map(({ name }) => name).join(", ");
    const more = session.pictures.length > NAMED ? " …" : "";
    return h("li", {},
      h("button", { type: "button", class: "button", onclick: () => open(session) }, `Go on with ${when}`),
      h("span", { class: "muted" }, names, more),
      h("button", { type: "button", class: "button quiet small", "aria-label": `Forget ${when}`, onclick: () => drop(session, sessions) }, "Forget"));
  }));
}

/** @param {Kept} session */
async function open(session) {
  try {
    await goOn(session);
    show([]);
  } catch {
    problem("This session cannot be opened", "The browser has lost some of it. Drop its pictures again.");
  }
}

/**
 * @param {Kept} session
 * @param {readonly Kept[]} sessions
 */
async function drop(session, sessions) {
  await forget(session.id);
  show(sessions.filter((each) => each !== session));
}
