import { lazy, Suspense } from "react";

import { Loading } from "@/shared/ui/loading";

import type { SchemaFormProps } from "./form";

const Form = lazy(() => import("./form"));

/** A form made from a JSON Schema. What draws it is large, so it is loaded when the first one is shown. */
export function SchemaForm(props: SchemaFormProps) {
  return (
    <Suspense fallback={<Loading rows={4} />}>
      <Form {...props} />
    </Suspense>
  );
}
