// Uses a service that the operator set up, without ever seeing its password.
import { connectors } from "omnicore";

export const available = () => connectors.list().map((one) => one.name);

export const post = (text) => connectors.call("chat", "post_message", { input: { text } });
