/** Whether the host ended the session of this page by itself, so that the log-in page can say so. */
export const ending: { isLost: boolean } = { isLost: false };
