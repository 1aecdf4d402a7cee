export { GalleryEntryPage as Component } from "./gallery-entry-page";
