import { yamux } from '@libp2p/yamux';

/**
 * libp2p's Yamux, where a stream's reader tells of new room once half of its window is used, as Hashicorp's own does
 * (`sendWindowUpdate` in its stream.go).
 *
 * As it comes it answers every frame of data with a frame of its own, encrypted and written by itself: as many again as
 * there are gossiped messages, and each node takes in and sends one for each vote.
 */
export function thriftyYamux(): ReturnType<typeof yamux> {
  return () => {
    const factory = yamux()();
    const create = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = (link) => {
      const muxer = create(link);
      // Not by listening for streams: those that come before libp2p listens would count as taken.
      const [open, take] = [muxer.onCreateStream.bind(muxer), muxer.onRemoteStream.bind(muxer)];
      muxer.onCreateStream = () => tellLate(open());
      muxer.onRemoteStream = (stream) => take(tellLate(stream));
      return muxer;
    };
    return factory;
  };
}

/** Of libp2p's `YamuxStream` what decides when it tells. */
export interface YamuxWindow {
  readonly state: number;
  /** Bytes: what the other side may send at most without a word, and what is left of that. */
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate: () => void;
}

/** Of libp2p's `StreamState`: opening and closing go with a window update, and resuming has one of its own. */
const ESTABLISHED = 3;

/** The same stream. One of another muxer, or a Yamux that is built otherwise, is left as it is. */
export function tellLate<T>(stream: T): T {
  const window = stream as T & Partial<YamuxWindow>;
  const tell = window.sendWindowUpdate;
  if (tell === undefined || window.recvWindow === undefined) return stream;
  return Object.assign(window as T & YamuxWindow, {
    sendWindowUpdate(this: YamuxWindow) {
      const isHalfFree = this.recvWindowCapacity > this.recvWindow / 2;
      if (this.state !== ESTABLISHED || !isHalfFree) tell.call(this);
    },
  });
}
