// What a viewer would see: how long the picture's clock stood still.
//
// Looks are 50 ms apart or, on a busy machine, more; so a stall is the time that
// went by less the content that went by, from the last look before the clock
// stood to the first one after it. What lies before the first second of playing
// is start-up. Content that the player jumps over is told apart: nobody saw it.

const interval = 50; // milliseconds
const worth = 100; // shorter ones are looks that fell between two ticks of the clock
const startup = 1; // seconds of content
const enough = 0.5; // seconds of content ahead that are at hand
const leap = 0.4; // seconds of content more than time that make a jump

export class Meter {
  #began = 0; // wall clock, milliseconds; 0: start-up
  #stalls = []; // {at, ms, had}: wall clock at its beginning; whether content was at hand all the time
  #jumps = []; // {at, seconds}
  #waiting = [];
  #before = null; // {t, v, had}: the last look at another value than the present one
  #since = null; // the first look at the present value
  #last = null; // the last one
  #first = -1; // currentTime when it began to play
  #seen = 0; // seconds of content that went by

  constructor(video) {
    this.video = video;
    video.addEventListener("waiting", () => { if (this.#began) this.#waiting.push(Date.now()); });
  }

  run() { setInterval(() => this.#look(), interval); }

  // A jump that was ordered: what follows is start-up again.
  restart() {
    this.#began = 0;
    this.#first = -1;
    this.#before = this.#since = this.#last = null;
  }

  #look() {
    const { video } = this;
    const look = { t: performance.now(), v: video.currentTime, had: video.readyState >= 3 && this.#ahead() >= enough };
    if (video.paused || video.ended) {
      this.#before = this.#since = this.#last = null;
      return;
    }
    if (this.#since === null) this.#since = look;
    else if (look.v !== this.#since.v) this.#moved(look);
    this.#last = look;
    if (this.#began || video.readyState < 3) return;
    if (this.#first < 0 || look.v < this.#first) this.#first = look.v;
    if (look.v - this.#first >= startup) this.#began = Date.now();
  }

  #moved(look) {
    const stall = this.#stall(look);
    if (this.#began && stall) this.#stalls.push(stall);
    const seconds = look.v - this.#last.v;
    const jump = seconds < 0 || seconds > ((look.t - this.#last.t) / 1000) * this.video.playbackRate + leap;
    if (this.#began && jump) this.#jumps.push({ at: Date.now(), seconds });
    if (this.#began && !jump) this.#seen += seconds;
    this.#before = jump ? null : this.#last;
    this.#since = look;
  }

  // The stall that ended with this look, or lasts; null when it is none.
  #stall(look) {
    const stood = this.#last.t - this.#since.t;
    const from = this.#before ?? this.#since;
    const missing = look.t - from.t - ((look.v - from.v) * 1000) / this.video.playbackRate;
    const ms = Math.round(Math.max(stood, missing));
    // Looks at one value differ in nothing but what is ahead, which only grows meanwhile.
    return ms < worth ? null : { at: Math.round(performance.timeOrigin + this.#since.t), ms, had: from.had && this.#since.had };
  }

  #ahead() {
    const { buffered, currentTime } = this.video;
    for (let i = 0; i < buffered.length; i++) {
      if (buffered.start(i) <= currentTime && buffered.end(i) > currentTime) return buffered.end(i) - currentTime;
    }
    return 0;
  }

  report() {
    const { video } = this;
    const lasting = this.#began && this.#last ? this.#stall(this.#last) : null;
    const quality = video.getVideoPlaybackQuality();
    return {
      began: this.#began, stalls: lasting ? [...this.#stalls, lasting] : this.#stalls, jumps: this.#jumps, waiting: this.#waiting, seen: this.#seen,
      time: video.currentTime, duration: video.duration, ended: video.ended, paused: video.paused, rate: video.playbackRate, ahead: this.#ahead(),
      hidden: document.hidden, frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames,
    };
  }
}
