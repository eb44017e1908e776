namespace Hospes.Qmp.Server;

/// <summary>Holds back events that come too often: the first is told at once, of those within the interval after it the last one at its end. Thread-safe.</summary>
/// <param name="interval">How long it holds back.</param>
/// <param name="time">The clock.</param>
/// <param name="send">Tells an event.</param>
internal sealed class EventThrottle(TimeSpan interval, TimeProvider time, Action<byte[]> send)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Pause> _pauses = [];

    /// <summary>Takes an event.</summary>
    /// <param name="subject">What it is about.</param>
    /// <param name="message">The event.</param>
    public void Take(string subject, byte[] message)
    {
        lock (_gate)
        {
            if (_pauses.TryGetValue(subject, out Pause? pause))
            {
                pause.Last = message;
                return;
            }
            Begin(subject);
        }
        send(message);
    }

    private void Begin(string subject)
    {
        var pause = new Pause();
        _pauses[subject] = pause;
        pause.Timer = time.CreateTimer(_ => End(subject, pause), null, interval, Timeout.InfiniteTimeSpan);
    }

    private void End(string subject, Pause pause)
    {
        lock (_gate)
        {
            _pauses.Remove(subject);
            pause.Timer?.Dispose();
            if (pause.Last is not null) Begin(subject);
        }
        if (pause.Last is { } last) send(last);
    }

    private sealed class Pause
    {
        public byte[]? Last { get; set; }

        public ITimer? Timer { get; set; }
    }
}
