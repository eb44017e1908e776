using System.Collections.Concurrent;

namespace Hospes.Virtio.Tests;

/// <summary>A PCI bus that records what a function asks of it.</summary>
internal sealed class FakeHost : IPciHost
{
    public bool MessagesEnabled { get; set; } = true;

    public ConcurrentQueue<int> Messages { get; } = new();

    public ConcurrentQueue<ulong> Forwarded { get; } = new();

    public ConcurrentQueue<Exception> Faults { get; } = new();

    public bool Line { get; private set; }

    public void SendMessage(int vector) => Messages.Enqueue(vector);

    public void SetInterruptLine(bool asserted) => Line = asserted;

    public void ForwardBell(ulong address) => Forwarded.Enqueue(address);

    public void DeviceFailed(Exception fault) => Faults.Enqueue(fault);
}
