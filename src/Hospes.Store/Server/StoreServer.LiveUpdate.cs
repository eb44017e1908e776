using System.Buffers.Binary;
using System.Diagnostics;
using Hospes.Store.Engine;
using Hospes.Store.LiveUpdate;
using Hospes.Store.Native;
using Hospes.Store.Persistence;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <content>
/// Live update. The successor connects to the running server and sends CONTROL "live-update" "hand-over"; the running server answers on that connection, which is
/// out of the protocol from then on: a mark, the number of sockets, the length of the state, the sockets, the state. It carries nothing out until the successor says
/// that it has taken everything (then it ends) or fails to (then it goes on). CONTROL "live-update" "-s" starts a successor.
/// </content>
public sealed partial class StoreServer
{
    private const int HandoverTimeout = 10_000;
    private const byte Taken = (byte)'K';

    private string? _successor;
    private string _successorArguments = "";

    /// <summary>
    /// Takes the place of the server at the socket path of the options: its sockets, clients, watches and transactions. The other server ends; its clients
    /// notice nothing.
    /// </summary>
    /// <param name="options">The set-up; limits are those of the running server.</param>
    /// <exception cref="IOException">No server answers there, or it does not hand over.</exception>
    /// <exception cref="InvalidDataException">The state cannot be taken; the other server goes on.</exception>
    public static StoreServer TakeOver(StoreServerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        string path = options.SocketPath ?? throw new ArgumentException("A successor needs the socket's path.", nameof(options));
        int channel = Linux.Connect(path);
        var server = new StoreServer(options, listen: false);
        try
        {
            Linux.MakeBlocking(channel, HandoverTimeout);
            (byte[] state, List<int> descriptors) = Receive(channel);
            Handover.Read(state, descriptors, server.State, server._loop, server.Transactions);
            Linux.SendAll(channel, [Taken]);
            // The predecessor closes the channel when it has let go of its folder.
            Linux.ReceiveAll(channel, new byte[1]);
            if (options.DataDirectory is { } directory) server.Keep(StoreJournal.Continue(directory, server.State, options.Sync));
            return server;
        }
        catch
        {
            server._loop.Dispose();
            throw;
        }
        finally
        {
            Linux.Close(channel);
        }
    }

    private static ReadOnlySpan<byte> HandoverMark => "HOSPES-HANDOVER\n"u8;

    private static (byte[] State, List<int> Descriptors) Receive(int channel)
    {
        byte[] payload = "live-update\0hand-over\0"u8.ToArray();
        var request = new byte[XsWire.HeaderSize + payload.Length];
        XsWire.WriteHeader(request, XsMessageType.Control, 1, 0, payload.Length);
        payload.CopyTo(request, XsWire.HeaderSize);
        var head = new byte[HandoverMark.Length + 8];
        if (!Linux.SendAll(channel, request) || !Linux.ReceiveAll(channel, head) || !HandoverMark.SequenceEqual(head.AsSpan(0, HandoverMark.Length)))
            throw new IOException("The running server does not hand over.");
        int count = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(HandoverMark.Length));
        int length = BinaryPrimitives.ReadInt32LittleEndian(head.AsSpan(HandoverMark.Length + 4));
        var descriptors = new List<int>();
        while (descriptors.Count < count) descriptors.AddRange(Linux.ReceiveDescriptors(channel) ?? throw new IOException("The running server's sockets did not come."));
        var state = new byte[length];
        if (!Linux.ReceiveAll(channel, state)) throw new IOException("The running server's state did not come whole.");
        return (state, descriptors);
    }

    /// <summary>A step of xenstore-control's live-update, or the successor's request.</summary>
    private string? LiveUpdate(IReadOnlyList<string> arguments, Session session)
    {
        switch (arguments)
        {
            case ["hand-over"]:
                SocketConnection? channel = _loop.Connections.FirstOrDefault(connection => connection.Session == session);
                if (channel is null) return "EINVAL";
                // After this round, so that no request is half carried out.
                _loop.Post(() => HandOver(channel));
                return null;
            case ["-f", var file]:
                if (!File.Exists(file)) return "ENOENT";
                _successor = file;
                return "OK";
            case ["-c", var line]:
                _successorArguments = line;
                return "OK";
            case ["-a"]:
                _successor = null;
                _successorArguments = "";
                return "OK";
            case ["-s", ..]:
                return StartSuccessor() ? "OK" : "EINVAL";
            default: return "EINVAL";
        }
    }

    /// <summary>Starts the program that was named; it takes over on its own a moment after the reply.</summary>
    private bool StartSuccessor()
    {
        if (_successor is null || _options.SocketPath is null) return false;
        try
        {
            var start = new ProcessStartInfo(_successor);
            foreach (string word in (string[])["store", "serve", "--take-over", "--socket", _options.SocketPath]) start.ArgumentList.Add(word);
            if (_options.DataDirectory is { } directory)
            {
                start.ArgumentList.Add("--data");
                start.ArgumentList.Add(directory);
            }
            foreach (string word in _successorArguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)) start.ArgumentList.Add(word);
            Process.Start(start)?.Dispose();
            return true;
        }
        catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            State.Log?.Write($"live update: {_successor} cannot be started: {failure.Message}");
            return false;
        }
    }

    private void HandOver(SocketConnection channel)
    {
        if (channel.IsClosed) return;
        int descriptor = channel.Descriptor;
        Linux.MakeBlocking(descriptor, HandoverTimeout);
        (byte[] state, List<int> descriptors) = Handover.Write(State, _loop, Transactions, descriptor);
        var head = new byte[HandoverMark.Length + 8];
        HandoverMark.CopyTo(head);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(HandoverMark.Length), descriptors.Count);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(HandoverMark.Length + 4), state.Length);
        bool sent = Linux.SendAll(descriptor, head);
        foreach (int[] some in descriptors.Chunk(Linux.DescriptorsPerMessage)) sent = sent && Linux.SendDescriptors(descriptor, some);
        var answer = new byte[1];
        if (!sent || !Linux.SendAll(descriptor, state) || !Linux.ReceiveAll(descriptor, answer) || answer[0] != Taken)
        {
            State.Log?.Write("live update: the successor did not take over; going on");
            channel.Close();
            return;
        }
        State.Log?.Write("live update: a successor has taken over");
        _isHandedOver = true;
        State.Changes = null;
        _loop.Tasks.Clear();
        _journal?.Dispose();
        _journal = null;
        _loop.CloseAll();
        _loop.Stop();
    }
}
