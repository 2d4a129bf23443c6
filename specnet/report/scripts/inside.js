// Pictures of the inside of the network, of each checkpoint: they follow the replay.

class Inside {
  constructor({ epochs, albums, places }) {
    Object.assign(this, { epochs, albums, places, place: epochs.length - 1 });
    this.images = [...document.querySelectorAll("[data-album]")].map((album) => [...album.querySelectorAll("img")]);
    this.points = [...document.querySelectorAll("[data-point]")];
  }

  /** Show the last checkpoint up to an epoch. */
  show(epoch) {
    const place = Math.max(0, lastUpTo(this.epochs, epoch));
    if (place === this.place) return;
    this.place = place;
    this.images.forEach((images, album) => images.forEach((image, i) => { image.src = this.albums[place][album][i]; }));
    this.points.forEach((point, i) => point.setAttribute("transform", `translate(${this.places[place][i].join(" ")})`));
    for (const each of document.querySelectorAll("[data-checkpoint]")) each.textContent = this.epochs[place];
  }
}
