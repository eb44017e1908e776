using System.Net.Sockets;

namespace Hospes.Qmp.Tests;

/// <summary>Two ends of a Unix socket.</summary>
internal sealed class SocketPair : IDisposable
{
    public SocketPair(int bufferSize = 0)
    {
        string path = Path.Combine(Path.GetTempPath(), $"hospes-{Guid.NewGuid():N}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen(1);
        var near = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        near.Connect(new UnixDomainSocketEndPoint(path));
        Socket far = listener.Accept();
        File.Delete(path);
        if (bufferSize > 0) near.SendBufferSize = near.ReceiveBufferSize = far.SendBufferSize = far.ReceiveBufferSize = bufferSize;
        (Near, Far) = (new NetworkStream(near, ownsSocket: true), new NetworkStream(far, ownsSocket: true));
    }

    public NetworkStream Near { get; }

    public NetworkStream Far { get; }

    public void Dispose()
    {
        Near.Dispose();
        Far.Dispose();
    }
}
