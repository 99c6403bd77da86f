/** Under this and a key stands, in sessionStorage, what is needed to go on when the user comes back to a later page life. */
export const NOTES = "mcp-evergreen:pending:";
