interface ImportMetaEnv {
  /** Addresses of servers to suggest, separated by spaces. */
  readonly VITE_SERVERS?: string;
  /** The proxy that stands in the form at first. */
  readonly VITE_PROXY?: string;
}
