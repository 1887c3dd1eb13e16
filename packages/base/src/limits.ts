// Every buffer, queue, loop and wait that crosses a room has its limit here, with its unit in the name.
// docs/operations.md lists them; packages/tools/tidy.ts keeps the two in step.

export const limits = {
  /** One SQL text, in bytes of UTF-8. */
  statementBytesMax: 262_144,
  /** Statements of one text. */
  statementsPerTextMax: 1_000,
  /** Words and signs of one text: the parser takes time for each, and one session must not hold up the others. */
  statementTokensMax: 50_000,
  /** One message from a client, in bytes (PostgreSQL's own cap is 1 GiB - 1). */
  clientMessageBytesMax: 16_777_216,
  /** From the first byte of a client's message to its last, in milliseconds, while the agent reads. */
  clientMessageMsMax: 120_000,
  /** For a client to take what was written to it, in milliseconds; past it the session ends and what runs is cancelled. */
  clientStalledMsMax: 300_000,
  /** Bytes of one session that wait for the end of the wake-up before they are written to its sockets; at more they leave at once. */
  departureBytesMax: 65_536,
  /** For a peer to take the last bytes of a connection that we have ended, in milliseconds. */
  lingerMsMax: 2_000,
  /** One message from a target, in bytes. */
  upstreamMessageBytesMax: 268_435_456,
  /** A StartupMessage, in bytes (PostgreSQL: MAX_STARTUP_PACKET_LENGTH). */
  startupBytesMax: 10_000,
  /** From accept to the end of authentication, in milliseconds, not per read. */
  preAuthMsMax: 10_000,
  /** Connections that have not authenticated yet, per agent. */
  preAuthConnectionsMax: 500,
  /** The same, from one address, so that one host cannot take all of them. */
  preAuthConnectionsPerAddressMax: 100,
  /** Logins of one address that are refused within a minute and are told so at once; of further ones the answer waits. Databases and HTTP each. */
  refusedLoginsPerMinuteMax: 100,
  /** The answer to a refused login waits for so long then, in milliseconds; at a database within `preAuthMsMax`. */
  refusedLoginMsMin: 2_000,
  /** Addresses whose refused logins are counted; past it those of the oldest are forgotten. */
  refusedLoginAddressesMax: 10_000,
  /** Connections per agent. */
  connectionsMax: 5_000,
  /** Database connections of one caller (issuer and subject) at an agent, so that one function in a loop cannot take all of them. */
  connectionsPerCallerMax: 1_000,
  /** Processes of an agent that serve connections. */
  workersMax: 64,
  /** Entries that a worker gathers for one write of its primary, in bytes; more are written at once. */
  workerEntriesBytesMax: 262_144,
  /** Tokens that an agent keeps as verified, each until its end or the next snapshot. */
  verifiedTokensMax: 10_000,
  /** Room for bodies that a worker is lent at a time, in bytes. */
  workerRoomBlockBytes: 1_048_576,
  /** Places for requests of one caller that a worker is lent at a time, while less than half of all are taken. */
  workerCallerBlock: 32,
  /** Callers without a request of whom a worker keeps places that it was lent; of more, those of the oldest go back. */
  workerIdleCallersMax: 1_000,
  /** Messages between a primary and a worker that the other has not taken; past it the worker is ended. */
  workerMessagesMax: 10_000,
  /** To start as far as to listen, for a worker, in milliseconds. */
  workerStartMsMax: 120_000,
  /** To connect and log in at a target, in milliseconds. */
  upstreamConnectMsMax: 10_000,
  /** While it runs a statement, a target looks whether its agent is still there every, in milliseconds. */
  upstreamLookMs: 5_000,
  /** Named prepared statements of a session. */
  statementsPerSessionMax: 5_000,
  /** Portals of a session. */
  portalsPerSessionMax: 5_000,
  /** Texts of prepared statements and cursors, and values bound to portals, that a session keeps, in bytes. */
  keptBytesPerSessionMax: 67_108_864,
  /** Messages of a client waiting for their turn in one session. */
  pendingMessagesMax: 4_096,
  /** Bytes of a client waiting for their turn in one session; past it the socket is paused. */
  pendingBytesMax: 33_554_432,
  /** Result columns (PostgreSQL: MaxTupleAttributeNumber). */
  columnsMax: 1_664,
  /** Parameters of a statement (PostgreSQL: 65535). */
  parametersMax: 65_535,
  /** A bearer token, in bytes. */
  tokenBytesMax: 16_384,
  /** Longest life of a bearer token that an agent accepts, in seconds. */
  tokenLifeSecondsMax: 86_400,
  /** Clock leeway for tokens, in seconds. */
  clockLeewaySeconds: 60,
  /** Life of a token for one target, in seconds. */
  targetTokenSeconds: 3_600,
  /** Life of a caller's certificate for one target, in seconds. */
  callerCertificateSeconds: 3_600,
  /** Life of a token that a workload without one of its own gets for a target, in seconds. */
  workloadTokenSeconds: 900,
  /** Life of a token of the exchange, in seconds. */
  delegatedTokenSeconds: 300,
  /** Principals through whom one token may say that somebody acts. */
  actorsMax: 4,
  /** Tokens of initiators that one session keeps verified; the one used longest ago goes first. */
  initiatorsPerSessionMax: 256,
  /** Life of a ticket when nothing else is asked for, in seconds. */
  ticketSecondsDefault: 3_600,
  /** Longest life of a ticket, in seconds; not longer than `tokenLifeSecondsMax`, for which revocations are kept. */
  ticketSecondsMax: 86_400,
  /** Tickets of one person that have not ended. */
  ticketsPerPersonMax: 100,
  /** Logins that one ticket may be limited to. */
  ticketUsesMax: 10_000,
  /** Addresses or networks that one ticket may be limited to. */
  ticketSourcesMax: 16,
  /** Tickets that an agent keeps; the one used longest ago goes first, and is asked for again. */
  ticketsPerAgentMax: 10_000,
  /** For the control plane to answer an agent about a ticket, in milliseconds. */
  ticketAnswerMsMax: 2_000,
  /** Tickets that one agent asks about at once; past it logins are refused. */
  ticketLookupsMax: 256,
  /** A login by ticket is refused not before, in milliseconds, whatever the reason is. */
  ticketRefusalMsMin: 200,
  /** A SASL message of a client, in bytes (PostgreSQL: PG_MAX_SASL_MESSAGE_LENGTH). */
  saslMessageBytesMax: 1_024,
  /** A snapshot is good for, in milliseconds, unless the control plane says less. */
  snapshotLifeMs: 900_000,
  /** A snapshot is sent anew at least every, in milliseconds. */
  snapshotRefreshMs: 60_000,
  /** One entry of a record, in bytes, canonical form. */
  entryBytesMax: 1_310_720,
  /** Entries of one upload batch. */
  batchEntriesMax: 512,
  /** Bytes of one upload batch. */
  batchBytesMax: 3_145_728,
  /** The spool of an agent, in bytes; past it statements are denied. */
  spoolBytesMax: 1_073_741_824,
  /** Batches sent and not yet acknowledged. */
  batchesInFlightMax: 8,
  /** A gRPC message, in bytes. */
  grpcMessageBytesMax: 8_388_608,
  /** What a reviewer is shown of one held statement, in bytes, canonical form; a longer statement cannot be held. */
  holdEvidenceBytesMax: 1_048_576,
  /** A held statement makes its caller wait at most, in milliseconds, whatever the rule says. */
  holdWaitMsMax: 600_000,
  /** A held request lives at most, in milliseconds, whatever the rule says. */
  holdExpiresMsMax: 604_800_000,
  /** For a target to clean a connection for its next session (DISCARD ALL), in milliseconds. */
  poolResetMsMax: 5_000,
  /** Sessions that wait for a connection of one target and role; past it they are refused at once. */
  poolWaitingMax: 1_000,
  /** Of them, of one caller. */
  poolWaitingPerCallerMax: 500,
  /** A connection is not kept for another session once it is so old, in milliseconds: rights to log in, settings of roles and
   * addresses of targets are looked at when one is opened. */
  pooledAgeMsMax: 3_600_000,
  /** Connections that sessions share by the transaction serve callers who wait for just one like them for so long before one is
   * closed for another caller's turn, in milliseconds. */
  pooledSameMsMax: 50,
  /** Connections of one role that sessions share by the transaction, unless the target says otherwise. */
  transactionConnectionsDefault: 20,
  /** Prepared statements that a connection shared by the transaction keeps; the one used longest ago goes first. */
  backendStatementsMax: 1_000,
  /** Settings that one session has changed and that go with it to its next connection; past it the session ends. */
  followedSettingsMax: 64,
  /** Their names and values, in bytes; past it the session ends. */
  followedSettingsBytesMax: 16_384,
  /** Between two looks at a credential whose connections are shared by the transaction, in milliseconds. */
  credentialLookMs: 2_000,
  /** Idle connections that an agent keeps, of all targets. */
  pooledIdleMax: 500,
  /** Requests of one caller at one agent that nobody has decided yet; past it a held statement is denied. */
  holdsPendingPerCallerMax: 50,
  /** New requests of one caller at one agent within a minute, decided or not. */
  holdsPerCallerPerMinuteMax: 60,
  /** Undecided requests of one agent, of all its callers. */
  holdsPendingPerAgentMax: 2_000,
  /** Callers of one agent that wait for a verdict. */
  holdsWaitingPerAgentMax: 1_000,
  /** For the control plane to answer the agent about a hold, in milliseconds. */
  holdAnswerMsMax: 5_000,
  /** For the target's EXPLAIN of a held statement, in milliseconds. */
  holdEstimateMsMax: 2_000,
  /** The head of an HTTP request or answer, in bytes. */
  httpHeaderBytesMax: 16_384,
  /** For the head of an HTTP request to come in, in milliseconds. */
  httpHeaderMsMax: 10_000,
  /** For an HTTP request to come in with its body, in milliseconds. */
  httpRequestMsMax: 600_000,
  /** For an HTTP target to begin its answer, in milliseconds. */
  httpAnswerMsMax: 300_000,
  /** Without a byte in either direction, in milliseconds; then an exchange of HTTP ends. */
  httpIdleMsMax: 600_000,
  /** Connections of HTTP on which nobody has shown yet who it is, per agent: they leave room for those of callers. */
  httpUnknownConnectionsMax: 2_500,
  /** The same, from one address: as many as one caller may have (`httpConnectionsPerCallerMax`). */
  httpUnknownConnectionsPerAddressMax: 1_000,
  /** Slow refusals of one connection that wait at once; a request past it is broken off. */
  httpSlowRefusalsPerConnectionMax: 16,
  /** Connections of one agent to one HTTP target. */
  httpConnectionsPerTargetMax: 256,
  /** Requests of one connection of an HTTP client that are not answered yet; past it the connection ends. */
  httpRequestsPerConnectionMax: 16,
  /** Streams of one HTTP/2 connection, with those that were reset and are not wound up yet. */
  httpStreamsPerConnectionMax: 100,
  /** Requests of one caller (issuer and subject) under way at an agent, of all its connections. */
  httpRequestsPerCallerMax: 2_000,
  /** Streams that the client of one HTTP/2 connection resets within a minute (CVE-2023-44487); past it the connection ends. */
  httpResetsPerMinuteMax: 200,
  /** PING and SETTINGS frames of one HTTP/2 connection within a minute; past it the connection ends. */
  httpControlFramesPerMinuteMax: 600,
  /** Frames of one HTTP/2 connection that are empty or malformed; past it the connection ends. */
  httpInvalidFramesMax: 100,
  /** What one HTTP/2 connection keeps in memory, in MiB; past it there are no new streams. */
  httpConnectionMemoryMiB: 10,
  /** WebSockets of one caller (issuer and subject) at an agent. */
  webSocketsPerCallerMax: 200,
  /** So often it is looked whether an open WebSocket would still be let through, in milliseconds. */
  webSocketJudgedEveryMs: 1_000,
  /** Between two looks whether an answer over HTTP that lasts would still be let through, in milliseconds. */
  httpJudgedEveryMs: 1_000,
  /** For a side of a WebSocket to answer a closing frame, in milliseconds; then its connection ends. */
  webSocketCloseMsMax: 5_000,
  /** Frames of one message of a WebSocket; past it both sides are closed with 1008. */
  webSocketFragmentsMax: 1_024,
  /** Pieces in which one frame of a WebSocket may come off the wire; past it both sides are closed with 1008. */
  webSocketChunksMax: 16_384,
  /** One message of a WebSocket, in bytes; past it both sides are closed with 1009. */
  webSocketMessageBytesMax: 1_048_576,
  /** Sessions (tokens and targets) of one connection of an HTTP client; past it the oldest idle one ends. */
  httpSessionsPerConnectionMax: 32,
  /** The body of an HTTP request that somebody has to look at before it goes on, in bytes. */
  httpReadBodyBytesMax: 1_048_576,
  /** A body of a known length up to this is looked at before it goes on, for credentials of the agent; a longer one while it goes. */
  httpPeekedBodyBytesMax: 65_536,
  /** Objects and lists in one another in a body that conditions read. */
  httpBodyDepthMax: 64,
  /** Connections to HTTP targets of one caller (issuer and subject) at an agent. */
  httpConnectionsPerCallerMax: 1_000,
  /** Of one answer, line or event that is looked through for what it cost, in bytes. */
  httpCostBodyBytesMax: 1_048_576,
  /** Members or entries of one object or list of a request's body in which parts are hidden. */
  httpBodyEntriesMax: 100_000,
  /** For an authorisation server to answer with a token, in milliseconds. */
  oauthAnswerMsMax: 10_000,
  /** The answer of an authorisation server, in bytes. */
  oauthAnswerBytesMax: 65_536,
  /** For how long a token is used, however long it is good, in milliseconds. */
  oauthTokenMsMax: 3_600_000,
  /** For how long the agent goes by the credentials that it knew, in milliseconds. */
  knownSecretsAgeMsMax: 30_000,
  /** For how long a value of Vault is used, in milliseconds. */
  vaultAgeMsMax: 5_000,
  /** For how long a login at Vault is used, however long its lease is, in milliseconds. */
  vaultLoginMsMax: 3_600_000,
  /** Until Vault has answered, in milliseconds. */
  vaultAnswerMsMax: 5_000,
  /** An answer of Vault, in bytes. */
  vaultAnswerBytesMax: 65_536,
  /** Leases of dynamic roles that an agent holds at Vault; past it further ones are refused. */
  vaultLeasesMax: 100,
  /** For how long a value of AWS Secrets Manager is used, in milliseconds. */
  awsAgeMsMax: 5_000,
  /** Until AWS has answered, in milliseconds. */
  awsAnswerMsMax: 5_000,
  /** An answer of AWS, in bytes: a secret has at most 64 KiB. */
  awsAnswerBytesMax: 131_072,
  /** What of it a reviewer is shown, where it is text; a longer one cannot be held. */
  httpHeldBodyBytesMax: 131_072,
  /** An answer of JSON under masks, kept whole until it is known to be JSON, in bytes after decoding; past it it is refused. */
  httpMaskedBodyBytesMax: 8_388_608,
  /** Characters of it that are masked in one turn: others have theirs in between. */
  httpMaskedTurnCharsMax: 65_536,
  /** One text of it that detectors look through; a longer one is hidden whole, since nobody else has a turn meanwhile. */
  httpMaskedTextCharsMax: 1_048_576,
  /** A line of JSON or a server-sent event of an answer under masks, in bytes. */
  httpMaskedLineBytesMax: 1_048_576,
  /** Bodies that one agent keeps whole at once, in bytes; past it the next one is refused until there is room. */
  httpKeptBodiesBytesMax: 268_435_456,
  /** An encoded answer that has to be looked into grows to so many times its bytes, once it is past `httpDecodedFreeBytes`. */
  httpDecodedRatioMax: 100,
  /** What an encoded answer may grow to, however small it was, in bytes. */
  httpDecodedFreeBytes: 1_048_576,
  /** One message of MCP in either direction, in bytes. */
  mcpMessageBytesMax: 1_048_576,
  /** Entries of one list or object in a message to an MCP server. */
  mcpArgumentEntriesMax: 10_000,
  /** Entries of one list or object in an answer of an MCP server. */
  mcpEntriesMax: 100_000,
  /** MCP sessions of one agent; past it the one that was used longest ago ends. */
  mcpSessionsMax: 5_000,
  /** MCP sessions of one caller at one agent; past it the one that was used longest ago ends. */
  mcpSessionsPerCallerMax: 100,
  /** An MCP session ends after so long without a message, in milliseconds. */
  mcpSessionIdleMsMax: 1_800_000,
  /** Requests of one MCP session that are not answered yet. */
  mcpPendingPerSessionMax: 64,
  /** Events of one MCP session by which a client may go on; older ones are forgotten. */
  mcpEventsPerSessionMax: 1_000,
  /** Definitions of tools that are kept of one MCP server; further tools do not exist. */
  mcpPinsPerTargetMax: 2_000,
  /** Definitions that were approved and are kept as text of one MCP server; of further tools only the digest is known. */
  mcpDefinitionsPerTargetMax: 200,
  /** Definition of a tool that is kept or told upward as text, in characters; of longer ones only the digest is. */
  mcpDefinitionCharsMax: 16_384,
  /** Tools of one MCP server that are told upward as quarantined; of further ones only their number is. */
  mcpQuarantinedPerTargetMax: 50,
  /** Between two messages of one agent about tools in quarantine, in milliseconds. */
  mcpQuarantineEveryMsMin: 500,
  /** Such messages that the control plane takes of one link in a minute; past it they are dropped. */
  mcpQuarantineReportsPerMinuteMax: 240,
  /** Quarantined tools that one list of the API has. */
  mcpQuarantineListMax: 1_000,
  /** Age of a server's list of tools by which calls are judged, in milliseconds. */
  mcpListAgeMsMax: 60_000,
  /** Pages of that list. */
  mcpListPagesMax: 50,
  /** A held call keeps its client waiting at most, in milliseconds: clients give up after a minute. */
  mcpHoldWaitMsMax: 50_000,
  /** While a call is held its client hears of it every, in milliseconds. */
  mcpProgressEveryMs: 5_000,
  /** Budgets of limits over time in one agent's memory: one for each limit and whoever it counts. Past it statements under
   * limits are denied. */
  budgetsPerAgentMax: 100_000,
  /** For the other agents of a target to say what they lend of a limit, in milliseconds. */
  leaseAnswerMsMax: 2_000,
  /** Questions of one agent about leases that nobody has answered yet. */
  leasesWantedMax: 256,
  /** Between two questions about one budget, in milliseconds. */
  leaseEveryMsMin: 1_000,
  /** The name of a budget that others are asked about, in bytes. */
  leaseNameBytesMax: 4_096,
  /** Lines of a log that wait for room on a full disk; past it they are lost, and whoever writes them goes on. */
  logBytesMax: 1_048_576,
  /** Of a result that a limit has ended, the agent reads and drops so many bytes before it asks the target to stop. */
  overrunBytesMax: 262_144,
  /** Open event streams of consoles, in one control plane. */
  liveStreamsMax: 500,
  /** Webhooks of an installation. */
  webhooksMax: 50,
  /** For one delivery of a webhook, in milliseconds. */
  webhookMsMax: 10_000,
  /** Attempts of one delivery before it is given up. */
  webhookAttemptsMax: 8,
  /** Rows of one relation that a scan reads. */
  scanRowsMax: 1_000,
  /** Relations that a scan reads; the rest is told as not looked at. */
  scanRelationsMax: 5_000,
  /** Characters of one value that a scan reads. */
  scanValueCharsMax: 2_048,
  /** A value of a result that detectors look through is read in pieces of so many bytes, all of it. */
  detectPieceBytesMax: 65_536,
  /** Look-ups by `predicates: equality` of one initiator on one column, unless the mask says another number. */
  lookupsMax: 60,
  /** The time over which they are counted, in milliseconds. */
  lookupsEveryMs: 60_000,
  /** For one scan of a target, in milliseconds. */
  scanMsMax: 120_000,
  /** Documents of one apply. */
  documentsPerApplyMax: 500,
  /** Bytes of one apply. */
  applyBytesMax: 2_097_152,
  /** Recorded statements that one trial of a policy decides again. */
  trialStatementsMax: 50_000,
  /** Rules of one policy. */
  rulesPerPolicyMax: 500,
  /** A CEL condition, in characters. */
  celCharsMax: 4_000,
  /** Depth of a parse tree; past it the statement is denied. */
  treeDepthMax: 512,
  /** Nodes of a parse tree; past it the statement is denied. */
  treeNodesMax: 500_000,
  /** Age of a catalog before it is checked again, in milliseconds (DESIGN: catalogAgeMax). */
  catalogAgeMsMax: 1_000,
  /** For a target to answer what a session asks about objects of its own, in milliseconds. */
  ownCatalogMsMax: 30_000,
  /** A connection that reads catalogs is closed after so long without a session, in milliseconds. */
  catalogIdleMsMax: 60_000,
} as const
