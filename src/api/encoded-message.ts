// A response that is bytes already, and stays as it is: the same bytes may be sent to many.

export class EncodedMessage {
  constructor(readonly bytes: Buffer) {}
}
