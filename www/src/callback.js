// Where an authorization server sends its users back to.

import { completeAuthorization } from "mcp-evergreen/auth";

completeAuthorization();
