import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Provider } from "react-redux";
import { RouterProvider } from "react-router";

import { allowOwnStyles } from "@/shared/theme/csp-nonce";
import { ThemeProvider } from "@/shared/theme/theme-provider";

import { router } from "./router";
import { createStore } from "./store";

allowOwnStyles();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Provider store={createStore()}>
        <ThemeProvider>
          <RouterProvider router={router} />
        </ThemeProvider>
      </Provider>
    </StrictMode>,
  );
}
