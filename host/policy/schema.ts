/**
 * The Cedar schema that every policy is validated against; `host policy schema` prints it. A test holds it to what
 * `vocabulary.ts` says.
 */
export const schemaText = `// What policies of a Motehost can speak of. Every attribute is always there, so a policy needs no \`has\`,
// what nobody said is "" or no label, and a request without a number that a policy looks at is denied.
namespace Motehost {
  // Who agents and callers belong to; entities.toml in the policy folder says it.
  entity Group in [Group];

  // holds: the labels it may be given. carries: the labels of all that it sends.
  entity Agent in [Group] = { name: String, holds: Set<String>, carries: Set<String> };

  // A caller from outside: a token's name.
  entity Principal in [Group] = { name: String };

  // "orders.eu" is in "orders.>" and in ">", and so is the pattern "orders.*".
  entity Subject in [Subject] = { name: String, hasWildcard: Bool };

  // "files/read": the tool read of the server files.
  entity Tool = { name: String, server: String };

  // "api.example.com:443" is in "api.example.com" and in "*.example.com".
  entity Host in [Host] = { name: String, port: Long };

  // "file:/srv/in/a.csv" is in "file:/srv/in/" and in "file:/srv/"; "context:notes" is in "context:".
  entity Data in [Data] = { path: String, labels: Set<String> };

  entity Secret = { name: String };

  // "wasm", "docker", "gvisor"; rank 1, 2, 3: the higher, the more apart.
  entity Tier = { name: String, rank: Long };

  // A program by its digest.
  entity Component = { digest: String, isSigned: Bool, signer: String, imports: Set<String> };

  type Anything = { now: datetime, labels: Set<String>, caller: String };

  type Message = { now: datetime, labels: Set<String>, caller: String, bytes: Long, contentType: String };

  type Write = { now: datetime, labels: Set<String>, caller: String, bytes: Long };

  type Named = { now: datetime, labels: Set<String>, caller: String, name: String };

  action lifecycle, bus, network, data, read, write, resource;

  action "agent.install", "agent.upgrade" in [lifecycle]
    appliesTo { principal: [Agent, Principal], resource: [Component], context: Named };

  action "agent.start" in [lifecycle]
    appliesTo { principal: [Agent, Principal], resource: [Agent], context: Anything };

  action "agent.spawn" in [lifecycle]
    appliesTo { principal: [Agent], resource: [Agent], context: Anything };

  action "invoke"
    appliesTo { principal: [Agent, Principal], resource: [Agent], context: Message };

  action "bus.send" in [bus]
    appliesTo { principal: [Agent, Principal], resource: [Agent, Subject], context: Message };

  action "bus.publish" in [bus]
    appliesTo { principal: [Agent, Principal], resource: [Subject], context: Message };

  action "bus.subscribe" in [bus]
    appliesTo { principal: [Agent, Principal], resource: [Subject], context: Anything };

  action "http.request" in [network]
    appliesTo {
      principal: [Agent],
      resource: [Host],
      context: { now: datetime, labels: Set<String>, caller: String, method: String, path: String, scheme: String }
    };

  action "socket.connect" in [network]
    appliesTo { principal: [Agent], resource: [Host], context: Anything };

  action "file.read", "context.read" in [data, read]
    appliesTo { principal: [Agent], resource: [Data], context: Anything };

  action "file.write", "context.write" in [data, write]
    appliesTo { principal: [Agent], resource: [Data], context: Write };

  action "secret.use"
    appliesTo { principal: [Agent], resource: [Secret], context: Anything };

  action "tool.call"
    appliesTo { principal: [Agent], resource: [Tool], context: Write };

  action "resource.allocate" in [resource]
    appliesTo {
      principal: [Agent, Principal],
      resource: [Agent],
      context: {
        now: datetime, labels: Set<String>, caller: String, fuel: Long, memoryBytes: Long, deadlineMs: Long
      }
    };

  action "tier.use" in [resource]
    appliesTo {
      principal: [Agent],
      resource: [Tier],
      context: { now: datetime, labels: Set<String>, caller: String, risk: Long }
    };

  action "audit.read"
    appliesTo { principal: [Agent, Principal], resource: [Agent, Data], context: Anything };
}
`;
