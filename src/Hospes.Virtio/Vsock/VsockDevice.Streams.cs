using System.Globalization;
using System.Text;

namespace Hospes.Virtio;

/// <summary>What packets of the guest lead to, and the loops that carry bytes. Called under the device's lock unless said otherwise.</summary>
public sealed partial class VsockDevice
{
    private void Handle(in VsockHeader header, ReadOnlySpan<byte> data)
    {
        // What is not from this guest to this host, or says another length than it has, is nobody's.
        if (header.SourceCid != _guestCid || header.DestinationCid != HostCid || header.Length != (uint)data.Length) return;
        bool exists = TryFind(header, out VsockConnection? connection);
        if (header.Type != VsockHeader.Stream || !exists)
        {
            if (header is { Type: VsockHeader.Stream, Operation: VsockOperation.Request } && _connections.Count + _draining.Count < MostConnections) Accept(header);
            else if (header.Operation != VsockOperation.Reset) Refuse(header);
            return;
        }
        connection!.Hear(header.Allocated, header.Forwarded);
        switch (header.Operation)
        {
            case VsockOperation.Response when connection.State == VsockState.Asked:
                connection.State = VsockState.Open;
                connection.PutOwn(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"OK {connection.HostPort}\n")));
                Run(connection);
                break;
            case VsockOperation.Data when connection.State == VsockState.Open && !connection.GuestEnded && data.Length <= connection.Free:
                if (data.Length > 0) connection.Put(data);
                break;
            case VsockOperation.CreditUpdate:
                break;
            case VsockOperation.CreditRequest:
                Reply(connection, VsockOperation.CreditUpdate);
                break;
            case VsockOperation.Shutdown when connection.State == VsockState.Open:
                End(connection, header.Flags);
                break;
            case VsockOperation.Reset:
                _connections.Remove((connection.HostPort, connection.GuestPort));
                Close(connection);
                break;
            default:
                // More data than there is room for, a second request, an unknown operation: the connection is lost (5.10.6.5).
                Abort(connection);
                break;
        }
        if (connection.HasData) Offer(connection);
    }

    private void Refuse(in VsockHeader header)
    {
        _answers.Enqueue(new Answer(header.DestinationPort, header.SourcePort, VsockOperation.Reset, 0, null));
        RequestService(Receive);
    }

    /// <summary>The guest asks for a connection.</summary>
    private void Accept(in VsockHeader header)
    {
        var connection = new VsockConnection(header.DestinationPort, header.SourcePort) { State = VsockState.Connecting };
        connection.Hear(header.Allocated, header.Forwarded);
        _connections.Add((connection.HostPort, connection.GuestPort), connection);
        _ = Task.Run(() => ConnectAsync(connection));
    }

    /// <summary>Not under the lock.</summary>
    private async Task ConnectAsync(VsockConnection connection)
    {
        IVsockChannel? channel;
        try
        {
            channel = await _backend.ConnectAsync(connection.HostPort).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            channel = null;
        }
        lock (_gate)
        {
            if (connection.State != VsockState.Connecting)
            {
                channel?.Dispose();
                return;
            }
            if (channel is null)
            {
                Abort(connection);
                return;
            }
            connection.Channel = channel;
            connection.State = VsockState.Open;
            Reply(connection, VsockOperation.Response);
            Run(connection);
        }
    }

    private void Run(VsockConnection connection)
    {
        _ = Task.Run(() => ReadAsync(connection));
        _ = Task.Run(() => WriteAsync(connection));
    }

    /// <summary>Something waits for the guest. However often it says so, a connection stands in the row once.</summary>
    private void Offer(VsockConnection connection)
    {
        if (connection.IsOffered) return;
        connection.IsOffered = true;
        _ready.Enqueue(connection);
        RequestService(Receive);
    }

    /// <summary>The guest sends or takes no more. With both, it forgets the connection once it hears so; what it sent still arrives.</summary>
    private void End(VsockConnection connection, uint flags)
    {
        connection.GuestEnded |= (flags & VsockHeader.SendsNoMore) != 0;
        connection.GuestIsDeaf |= (flags & VsockHeader.TakesNoMore) != 0;
        if (connection is { GuestEnded: true, GuestIsDeaf: true })
        {
            _connections.Remove((connection.HostPort, connection.GuestPort));
            connection.State = VsockState.Draining;
            _draining.Add(connection);
            Reply(connection, VsockOperation.Reset);
        }
        connection.ReleaseBoth();
    }

    /// <summary>Ends a connection and tells the guest.</summary>
    private void Abort(VsockConnection connection)
    {
        if (_connections.Remove((connection.HostPort, connection.GuestPort))) Reply(connection, VsockOperation.Reset);
        Close(connection);
    }

    private void Close(VsockConnection connection)
    {
        _draining.Remove(connection);
        connection.State = VsockState.Closed;
        connection.Channel?.Dispose();
        connection.ReleaseBoth();
    }

    /// <summary>From the host's end to the guest, as much as it has room for. Not under the lock.</summary>
    private async Task ReadAsync(VsockConnection connection)
    {
        try
        {
            while (true)
            {
                int room;
                lock (_gate)
                {
                    if (connection.State != VsockState.Open || connection.GuestIsDeaf) return;
                    room = connection.Pending.Length > 0 ? 0 : (int)Math.Min(connection.Credit, (uint)connection.Incoming.Length);
                }
                if (room == 0)
                {
                    await connection.ReadingGoesOn.WaitAsync().ConfigureAwait(false);
                    continue;
                }
                int count = await connection.Channel!.ReadAsync(connection.Incoming.AsMemory(0, room)).ConfigureAwait(false);
                lock (_gate)
                {
                    if (connection.State != VsockState.Open) return;
                    if (count == 0)
                    {
                        Reply(connection, VsockOperation.Shutdown, VsockHeader.SendsNoMore);
                        return;
                    }
                    connection.Pending = (0, count);
                    Offer(connection);
                }
            }
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            lock (_gate) Lost(connection);
        }
#pragma warning disable CA1031 // A fault of a device ends its guest, not the process beside it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Fail(fault);
        }
    }

    /// <summary>From the guest to the host's end. Not under the lock.</summary>
    private async Task WriteAsync(VsockConnection connection)
    {
        bool hasEnded = false;
        try
        {
            while (true)
            {
                ReadOnlyMemory<byte> waiting;
                lock (_gate)
                {
                    if (connection.State is not (VsockState.Open or VsockState.Draining)) return;
                    waiting = connection.Waiting;
                    if (waiting.IsEmpty && connection.State == VsockState.Draining)
                    {
                        Close(connection);
                        return;
                    }
                }
                if (waiting.IsEmpty)
                {
                    if (connection.GuestEnded && !hasEnded) connection.Channel!.EndWriting();
                    hasEnded = connection.GuestEnded;
                    await connection.WritingGoesOn.WaitAsync().ConfigureAwait(false);
                    continue;
                }
                await connection.Channel!.WriteAsync(waiting).ConfigureAwait(false);
                lock (_gate)
                {
                    connection.Wrote(waiting.Length);
                    if (connection.State == VsockState.Open && connection.HasNews) Reply(connection, VsockOperation.CreditUpdate);
                }
            }
        }
        catch (Exception fault) when (fault is IOException or ObjectDisposedException)
        {
            lock (_gate) Lost(connection);
        }
#pragma warning disable CA1031 // A fault of a device ends its guest, not the process beside it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            Fail(fault);
        }
    }

    /// <summary>The host's end is gone.</summary>
    private void Lost(VsockConnection connection)
    {
        if (connection.State == VsockState.Open) Abort(connection);
        else if (connection.State == VsockState.Draining) Close(connection);
    }
}
