// For callback.html, where the authorization server sends the user back to.

import { completeAuthorization } from "mcp-evergreen/auth";

completeAuthorization();
