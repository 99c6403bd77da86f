//! What differs between the protocol's eras. The rest of `protocol` asks here and nowhere else.
//!
//! | question | legacy: 2024-11-05 … 2025-11-25 |
//! |---|---|
//! | before the first call | `initialize`, then `notifications/initialized` |
//! | stamped on a request | `Mcp-Session-Id`, `MCP-Protocol-Version` |
//! | is it alive? | `ping` |
//! | cancel | `notifications/cancelled`, and abort |
//! | goodbye | DELETE (405 is fine) |

pub mod legacy;
