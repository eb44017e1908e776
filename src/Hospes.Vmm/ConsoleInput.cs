using Hospes.Machine;

namespace Hospes.Vmm;

/// <summary>
/// What people type, on its way to the guest. It waits here while the guest is between two lives or does not read, up to a bound;
/// beyond it <see cref="Type"/> blocks, which is how a pipe into the console is slowed down to the guest's pace. Thread-safe.
/// </summary>
public sealed class ConsoleInput
{
    /// <summary>How many bytes wait at most.</summary>
    public const int Capacity = 64 << 10;

    private readonly Lock _gate = new();
    private readonly Queue<byte> _waiting = new();
    private readonly ManualResetEventSlim _room = new(initialState: true);
    private IInputPort? _port;

    /// <summary>Types bytes. Blocks while the queue is full.</summary>
    /// <param name="bytes">What was typed.</param>
    /// <param name="cancellation">Ends the wait for room.</param>
    /// <exception cref="OperationCanceledException">The wait was cancelled.</exception>
    public void Type(ReadOnlySpan<byte> bytes, CancellationToken cancellation = default)
    {
        while (!bytes.IsEmpty)
        {
            _room.Wait(cancellation);
            lock (_gate)
            {
                int count = Math.Min(bytes.Length, Capacity - _waiting.Count);
                foreach (byte value in bytes[..count]) _waiting.Enqueue(value);
                bytes = bytes[count..];
                if (_waiting.Count == Capacity) _room.Reset();
            }

            Push();
        }
    }

    /// <summary>Gives the waiting bytes to a domain's port from now on.</summary>
    internal void Attach(IInputPort port)
    {
        lock (_gate) _port = port;
        // The port may call on a vCPU's thread, which must not be kept: the push itself is a short copy.
        port.InputWanted = Push;
        Push();
    }

    /// <summary>Lets the bytes wait again.</summary>
    internal void Detach()
    {
        lock (_gate) _port = null;
    }

    private void Push()
    {
        Span<byte> chunk = stackalloc byte[256];
        lock (_gate)
        {
            while (_port is { } port && _waiting.Count > 0)
            {
                int count = 0;
                foreach (byte value in _waiting)
                {
                    if (count == chunk.Length) break;
                    chunk[count++] = value;
                }

                int taken = port.Offer(chunk[..count]);
                for (int i = 0; i < taken; i++) _waiting.Dequeue();
                if (_waiting.Count < Capacity) _room.Set();
                if (taken < count) return;
            }
        }
    }
}
