import type { Page } from "@/shared/api/types";
import type { Schemas } from "@/shared/api/types";

import type { TaskFilter } from "./task-filter";

type Task = Schemas["Task"];

/** Pages of a filtered list with one task as it is now; it goes where the filter does not want it any more. */
export function withTask(pages: Page<Task>[], task: Task, filter: TaskFilter): Page<Task>[] {
  const stays = filter.state === undefined || filter.state === task.state;
  return pages.map((page) => {
    const place = page.items.findIndex((one) => one.id === task.id);
    if (place < 0) return page;
    return { ...page, items: page.items.toSpliced(place, 1, ...(stays ? [task] : [])) };
  });
}
