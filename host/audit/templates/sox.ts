/** Sarbanes-Oxley Act, sections 302, 404 and 802: general IT controls. */
export const sox = `
name = "sox"
title = "Sarbanes-Oxley Act (sections 302, 404, 802): IT general controls"

[[control]]
id = "404 change"
title = "Changes to programs"
asks = "Programs change under control."
evidence = ["agent-installed", "agent-upgraded", "agent-removed"]
min = 0
outside = "Tests and approval before a change. No change in the period may mean that nothing changed."

[[control]]
id = "404 access"
title = "Access to programs and data"
asks = "Access is given by rule and taken back."
evidence = ["decision", "policy-changed"]
exceptions = ["message-denied", "grant-revoked"]
outside = "Reviews of who has access, and separation of duties among people."

[[control]]
id = "404 operations"
title = "Operation"
asks = "Failures are noticed and dealt with."
evidence = ["host-started", "invocation-ended"]
exceptions = ["agent-failed", "trap", "limit", "message-dead-lettered"]
outside = "What was done about them."

[[control]]
id = "302"
title = "Approval"
asks = "What needs a person's consent has it."
evidence = ["approval-asked", "approval-given"]
min = 0
exceptions = ["approval-timed-out"]
outside = "Which acts need consent: the policies' authors mark them."

[[control]]
id = "802"
title = "Keeping of records"
asks = "Records are kept seven years and not altered."
evidence = ["host-started"]
exceptions = ["pruned", "loss-accepted", "recovered", "clock-jumped", "key-rotated"]
retention-days = 2557
`;
