// Events that can be replayed, for one session. Their ids count up, so that two runs of a script give the same ones.

export class EventStore {
  events = [];

  async storeEvent(streamId, message) {
    const id = `e${this.events.length}`;
    this.events.push({ id, streamId, message });
    return id;
  }

  async getStreamIdForEventId(eventId) {
    return this.events.find((event) => event.id === eventId)?.streamId;
  }

  async replayEventsAfter(lastEventId, { send }) {
    const last = this.events.findIndex((event) => event.id === lastEventId);
    if (last < 0) throw new Error(`no event ${lastEventId}`);
    const { streamId } = this.events[last];
    for (const event of this.events.slice(last + 1)) {
      // The event that opens a stream carries no message.
      if (event.streamId === streamId && event.message.jsonrpc) await send(event.id, event.message);
    }
    return streamId;
  }
}
