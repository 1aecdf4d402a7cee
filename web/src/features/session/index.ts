export { PasswordDialog as default } from "./components/password-dialog";
