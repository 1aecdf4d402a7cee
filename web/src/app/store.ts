import { configureStore, createListenerMiddleware } from "@reduxjs/toolkit";
import { setupListeners } from "@reduxjs/toolkit/query/react";

import { api } from "@/shared/api/base-api";
import { ending } from "@/shared/api/ending";

/** The store: the cache of the API is all of it. When a request finds the session over, it asks anew who we are. */
export function createStore() {
  const listener = createListenerMiddleware();
  listener.startListening({
    type: "session/lost",
    effect: (_action, { dispatch }) => {
      ending.isLost = true;
      dispatch(api.util.invalidateTags(["Session"]));
    },
  });
  const store = configureStore({
    reducer: { [api.reducerPath]: api.reducer },
    middleware: (defaults) => defaults().prepend(listener.middleware).concat(api.middleware),
  });
  setupListeners(store.dispatch);
  return store;
}
