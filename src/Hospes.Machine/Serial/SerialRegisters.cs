namespace Hospes.Machine;

/// <summary>The registers of the 16550 (TI PC16550D data sheet, table II).</summary>
internal static class SerialRegisters
{
    /// <summary>Offsets from the first port. The first two are the divisor latch while <see cref="DivisorAccess"/> is set.</summary>
    public const int Data = 0, InterruptEnable = 1, InterruptIdentity = 2, FifoControl = 2, LineControl = 3, ModemControl = 4,
        LineStatus = 5, ModemStatus = 6, Scratch = 7;

    /// <summary>Interrupt enable: received data, transmitter empty, line status, modem status.</summary>
    public const byte EnableReceived = 1, EnableTransmitter = 2, EnableLineStatus = 4, EnableModemStatus = 8;

    /// <summary>Interrupt identity, most urgent first: line status, received data, character time-out, transmitter empty, modem status, none.</summary>
    public const byte LineStatusPending = 6, ReceivedPending = 4, TimeoutPending = 12, TransmitterPending = 2, ModemPending = 0, NonePending = 1;

    /// <summary>Interrupt identity: the FIFOs are on.</summary>
    public const byte FifosOn = 0xC0;

    /// <summary>FIFO control: on, clear the receiver's.</summary>
    public const byte FifoEnable = 1, FifoClearReceiver = 2;

    /// <summary>Line control: the divisor latch is at the first two ports.</summary>
    public const byte DivisorAccess = 0x80;

    /// <summary>Modem control: ready lines, the two outputs (a PC gates the interrupt with the second), loop-back.</summary>
    public const byte TerminalReady = 1, RequestToSend = 2, Output1 = 4, Output2 = 8, Loopback = 0x10;

    /// <summary>Line status: data ready, overrun, holding register empty, all empty.</summary>
    public const byte DataReady = 1, Overrun = 2, HoldingEmpty = 0x20, TransmitterEmpty = 0x40;

    /// <summary>Modem status: the levels of clear to send, data set ready, ring, carrier; below them a bit each that says it changed.</summary>
    public const byte ClearToSend = 0x10, DataSetReady = 0x20, Ring = 0x40, Carrier = 0x80, RingEnded = 4;
}
