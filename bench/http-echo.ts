// The server that `http` measures beside us: bare fastify, which gives back what it gets.
import fastify from 'fastify';

const server = fastify();
server.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
  done(null, body),
);
server.post('/echo', (request, reply) => {
  reply.type('application/octet-stream').send(request.body);
});
await server.listen({ host: '127.0.0.1', port: Number(process.argv[2]) });
