import type { ThunkAction, UnknownAction } from "@reduxjs/toolkit";

import type { Schemas } from "@/shared/api/types";

import { withTask } from "../logic/with-task";
import { tasksApi } from "./list-tasks";

type Known = Parameters<typeof tasksApi.util.selectCachedArgsForQuery>[0];

/** Puts a task as it is now into the lists that are loaded: long ones are not read again for it. */
export function putTask(task: Schemas["Task"]): ThunkAction<void, Known, unknown, UnknownAction> {
  return (dispatch, getState) => {
    for (const filter of tasksApi.util.selectCachedArgsForQuery(getState(), "listTasks")) {
      dispatch(
        tasksApi.util.updateQueryData("listTasks", filter, (data) => {
          data.pages = withTask(data.pages, task, filter);
        }),
      );
    }
  };
}
