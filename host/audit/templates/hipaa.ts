/** HIPAA Security Rule, 45 CFR Part 164, Subpart C: the technical safeguards a host takes part in. */
export const hipaa = `
name = "hipaa"
title = "HIPAA Security Rule (45 CFR 164.308, 164.312)"

[[control]]
id = "164.308(a)(1)(ii)(D)"
title = "Information system activity review"
asks = "Records of activity are there to be reviewed."
evidence = ["invocation-ended", "message-delivered", "decision", "tool-call"]
exceptions = ["message-denied", "trap", "limit", "agent-failed"]
outside = "That a person reviews them, and when."

[[control]]
id = "164.308(a)(4)"
title = "Information access management"
asks = "Access is given and taken by rule."
evidence = ["decision", "grant-revoked", "policy-changed"]
exceptions = ["message-denied"]
outside = "Who in the organisation authorises access, outside approvals given here."

[[control]]
id = "164.308(a)(5)(ii)(C)"
title = "Log-in monitoring"
asks = "Attempts that were refused are noticed."
evidence = []
exceptions = ["message-denied", "approval-timed-out"]
outside = "Log-ins of people happen before this host; its tokens are not on this record."

[[control]]
id = "164.312(a)(1)"
title = "Access control"
asks = "Only those with the right reach protected data."
evidence = ["decision"]
exceptions = ["message-denied", "grant-revoked"]
outside = "Which data are protected health information: labels in the policies say so, if its authors did."

[[control]]
id = "164.312(b)"
title = "Audit controls"
asks = "Activity is recorded, and the record can be examined."
evidence = ["host-started", "invocation-ended"]
exceptions = ["events-lost", "loss-accepted", "recovered"]
retention-days = 2190

[[control]]
id = "164.312(c)(1)"
title = "Integrity"
asks = "Data and programs are not altered unnoticed."
evidence = ["agent-installed"]
exceptions = ["agent-upgraded", "loss-accepted"]
outside = "Integrity of data at rest outside the host."

[[control]]
id = "164.312(d)"
title = "Person or entity authentication"
asks = "Who asks is who they say."
evidence = ["decision"]
exceptions = ["key-rotated", "key-revoked"]
outside = "How people prove who they are before they hold a token."

[[control]]
id = "164.312(e)(1)"
title = "Transmission security"
asks = "Data under way are guarded."
evidence = ["policy-changed"]
outside = "TLS in front of the host. Sealing between hosts is set by policy; the record shows the policy's changes, not each seal."
`;
