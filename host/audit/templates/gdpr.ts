/** GDPR, Regulation (EU) 2016/679: the articles for which a host holds evidence. */
export const gdpr = `
name = "gdpr"
title = "GDPR (Regulation (EU) 2016/679)"

[[control]]
id = "Art. 5(1)(f)"
title = "Integrity and confidentiality"
asks = "Processing is guarded against what is not permitted."
evidence = ["decision"]
exceptions = ["message-denied", "trap", "loss-accepted", "events-lost"]

[[control]]
id = "Art. 5(2)"
title = "Accountability"
asks = "Compliance can be shown."
evidence = ["host-started", "decision", "invocation-ended"]

[[control]]
id = "Art. 17"
title = "Erasure"
asks = "Personal data are erased on request."
evidence = ["erased"]
min = 0
outside = "Requests that never reached this host, and data kept elsewhere. No erasure in the period may mean that none was asked."

[[control]]
id = "Art. 22"
title = "Automated decisions"
asks = "A person can step in."
evidence = ["approval-asked", "approval-given"]
exceptions = ["approval-timed-out"]
outside = "Which decisions concern people: the policies' authors mark them for approval."

[[control]]
id = "Art. 25"
title = "Data protection by design and by default"
asks = "What is not permitted is refused."
evidence = ["decision", "policy-changed"]
exceptions = ["message-denied"]

[[control]]
id = "Art. 30"
title = "Records of processing"
asks = "What is processed by what is recorded."
evidence = ["agent-installed", "invocation-ended"]
outside = "Purposes, categories of people and recipients, and the controller's name: no host knows them."

[[control]]
id = "Art. 32"
title = "Security of processing"
asks = "Measures fit the risk and are tested."
evidence = ["decision", "policy-changed"]
exceptions = ["trap", "limit", "agent-failed", "key-revoked"]

[[control]]
id = "Art. 33"
title = "Notification of a breach"
asks = "A breach is found and told within 72 hours."
evidence = []
exceptions = ["message-denied", "key-revoked", "loss-accepted"]
outside = "Whether one of these is a breach, and the notification itself."
`;
